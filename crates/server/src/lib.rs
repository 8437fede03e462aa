//! The second door to Resident, over HTTP: the V1 REST API that `letta-client` speaks (`/v1`), the app API of the web UI
//! (`/app`), the OpenAPI document (`/openapi.json`) and the web UI itself (everything else).
//!
//! The application below is synchronous. Requests that touch it run on the runtime's blocking threads; its event stream
//! is watched by one thread, which wakes every open stream, so that two hundred of them cost two hundred small tasks.

mod app_door;
mod begin;
mod error;
mod events;
mod extract;
mod guard;
mod options;
mod profile_token;
mod run_log;
mod runs;
mod state;
mod v1;
mod web_ui;

pub use begin::{Running, start};
pub use error::ServerError;
pub use options::{Access, ServerOptions};
pub use profile_token::profile_token;
