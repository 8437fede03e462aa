//! What a server is started with, and what of it is refused.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use crate::ServerError;

/// The port of Letta's server, which clients try by default.
const DEFAULT_PORT: u16 = 8283;

/// Who may ask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Access {
    /// Whoever has this token.
    Token(String),
    /// Everyone who reaches the address; only on loopback.
    Anyone,
}

/// What a server is started with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerOptions {
    /// Where to listen. Port 0 is any free one.
    pub address: SocketAddr,
    /// Who may ask.
    pub access: Access,
    /// Further names by which clients call this server, as in the `Host` header; without a port, this server's is meant.
    pub host_names: Vec<String>,
}

impl ServerOptions {
    /// On loopback and Letta's port.
    pub fn on_loopback(access: Access) -> Self {
        Self { address: (IpAddr::V4(Ipv4Addr::LOCALHOST), DEFAULT_PORT).into(), access, host_names: Vec::new() }
    }

    /// Refuses a server that anyone in the network could use without a token.
    pub(crate) fn check(&self) -> Result<(), ServerError> {
        match &self.access {
            Access::Anyone if !self.address.ip().is_loopback() => Err(ServerError::Unprotected(self.address)),
            Access::Token(token) if token.trim().is_empty() => Err(ServerError::EmptyToken),
            Access::Anyone | Access::Token(_) => Ok(()),
        }
    }
}
