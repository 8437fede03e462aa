//! The requests of the API, each a method of [`crate::App`]; what they take and return is in [`crate::api`].

mod agents;
mod archive;
mod blocks;
mod chat;
mod context;
mod models;
mod profile;
mod travel;

pub(crate) use blocks::{checked_label, checked_limit, checked_value};
pub(crate) use chat::check_size;
