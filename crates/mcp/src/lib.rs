//! A client of Model Context Protocol servers: programs on this computer that are spoken to over their standard input
//! and output, and servers over streamable HTTP.
//!
//! [`Servers`] is synchronous, as the core is. It connects when something is first asked for, keeps the connection, and
//! ends the programs that it started. Every operation has a time, within which it gives an answer or an error in words,
//! whatever the server does: hang, die, write garbage, or write without end. Whether a server may be used at all is
//! decided by the caller; nothing is started or contacted before [`Servers::list_tools`] or [`Servers::call`].
//!
//! **A call is never sent twice**, unless the server cannot have taken the first one: it was never written in full, or
//! it was refused because the session it named had ended. A call whose connection was lost afterwards has failed, and
//! the error says that it may have been carried out.
//!
//! The protocol is spoken by the official SDK. What is ours is what surrounds it: HTTP goes through
//! [`Network`](resident_library::http::Network), and with it through the switch *Offline*, for each request anew;
//! redirects are not followed; and what a server writes is bounded while it is read. A program that is started is not
//! bound by the switch: what it does on the network is its own doing.
//!
//! Secrets (headers, the environment of a program) are held while a connection is, are in no log, error or `Debug`, and
//! are blacked out where a server repeats them in an error.

mod address;
mod bounds;
mod connection;
mod error;
mod http;
mod outcome;
mod patience;
mod process;
mod sent;
mod servers;
mod tools;
mod watch;

pub use address::{Server, ServerAddress};
pub use bounds::Bounds;
pub use error::{FailureKind, McpError};
pub use outcome::Outcome;
pub use patience::Patience;
pub use servers::Servers;
pub use tools::{Tool, Tools};
