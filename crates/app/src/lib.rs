//! One application API: typed requests, one event stream. This crate is the composition root: it opens the profile,
//! loads models, and gives each open agent its driver.

pub mod api;
