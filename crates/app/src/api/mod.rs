//! The one application API: typed requests, typed results and one ordered event stream. Shells carry it and add
//! nothing: `dispatch` takes a method's name and its JSON parameters. The TypeScript of `ui/src/backend/generated` is
//! made from these types.

/// Derives what every type of the API has: camelCase fields, variants under their own names.
macro_rules! api_type {
    () => {};
    ($(#[$meta:meta])* pub struct $name:ident { $($body:tt)* } $($rest:tt)*) => {
        #[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize, ts_rs::TS)]
        #[serde(rename_all = "camelCase")]
        $(#[$meta])*
        pub struct $name { $($body)* }
        $crate::api::api_type! { $($rest)* }
    };
    ($(#[$meta:meta])* pub enum $name:ident { $($body:tt)* } $($rest:tt)*) => {
        #[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize, ts_rs::TS)]
        #[serde(rename_all_fields = "camelCase")]
        $(#[$meta])*
        pub enum $name { $($body)* }
        $crate::api::api_type! { $($rest)* }
    };
}
pub(crate) use api_type;

mod agents;
mod archive;
mod chat;
mod context;
mod error;
mod events;
mod groups;
mod memory;
mod methods;
mod models;
mod profile;
mod travel;

pub use agents::*;
pub use archive::*;
pub use chat::*;
pub use context::*;
pub use error::*;
pub use events::*;
pub use groups::*;
pub use memory::*;
pub use methods::*;
pub use models::*;
pub use profile::*;
pub use travel::*;

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// Parameters of a method that takes none, and result of one that returns nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Nothing {}
