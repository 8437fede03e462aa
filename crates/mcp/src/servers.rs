//! All servers that are in use: connects when something is first asked for, and keeps the connection for the next time.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use resident_library::http::Network;
use serde_json::{Map, Value};

use crate::connection::{Connection, Failure, Means, before_call};
use crate::patience::{Interrupted, within};
use crate::watch::{Watch, excerpt};
use crate::{Bounds, McpError, Outcome, Patience, Server, Tools};

/// The servers in use. All methods block their caller, and may be called from several threads at once; not from async
/// code. Dropping it kills the programs that it has started; [`Servers::close_all`] lets them end by themselves.
pub struct Servers {
    network: Network,
    bounds: Bounds,
    slots: Mutex<HashMap<String, Arc<Slot>>>,
}

/// The place of one server.
#[derive(Default)]
struct Slot {
    /// Held while a connection is made, so that two callers do not start the same program twice.
    connecting: tokio::sync::Mutex<()>,
    current: Mutex<Option<Arc<Connection>>>,
    /// What the newest program said, for the words of an error when it never got as far as a connection.
    watch: Mutex<Option<Arc<Watch>>>,
}

impl std::fmt::Debug for Servers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Servers").field("bounds", &self.bounds).finish_non_exhaustive()
    }
}

impl Servers {
    /// No server yet. Those over HTTP are reached through `network`.
    pub fn new(network: Network) -> Self {
        Self::with_bounds(network, Bounds::default())
    }

    /// The same with other bounds.
    pub fn with_bounds(network: Network, bounds: Bounds) -> Self {
        Self { network, bounds, slots: Mutex::default() }
    }

    /// The tools of a server, asked anew. Connects where there is no connection; a program is started for it.
    ///
    /// # Errors
    /// Any [`McpError`] but those of a call.
    pub fn list_tools(&self, server: &Server, patience: &Patience<'_>) -> Result<Tools, McpError> {
        let listed = self.run(server, patience, async |connection| connection.tools(server, &self.bounds).await);
        listed.map_err(|error| before_call(server, error))
    }

    /// What a tool gives for `arguments`. Connects where there is no connection. A tool that fails, or that the server
    /// does not know, is an [`Outcome`] as well.
    ///
    /// # Errors
    /// Any [`McpError`]: there is no result then, and [`McpError::Lost`] and [`McpError::Timeout`] leave open whether the
    /// call was carried out.
    pub fn call(
        &self,
        server: &Server,
        tool: &str,
        arguments: &Map<String, Value>,
        patience: &Patience<'_>,
    ) -> Result<Outcome, McpError> {
        self.run(server, patience, async |connection| {
            connection.call(server, &self.bounds, tool, arguments.clone()).await
        })
    }

    /// Closes the connection of the server with this id, if there is one, and ends its program. To be called when a
    /// server is removed or no longer allowed. Takes a few seconds at most.
    pub fn close(&self, id: &str) {
        let slot = self.slots.lock().unwrap_or_else(PoisonError::into_inner).remove(id);
        self.close_slots(slot.into_iter().collect());
    }

    /// Closes all connections, side by side.
    pub fn close_all(&self) {
        let slots = std::mem::take(&mut *self.slots.lock().unwrap_or_else(PoisonError::into_inner));
        self.close_slots(slots.into_values().collect());
    }

    fn close_slots(&self, slots: Vec<Arc<Slot>>) {
        let connections: Vec<_> = slots.iter().filter_map(|slot| slot.take()).collect();
        if connections.is_empty() {
            return;
        }
        let closing = futures_util::future::join_all(connections.iter().map(|connection| connection.close()));
        // Without a runtime there is no connection.
        let _ = self.network.block_on(closing);
    }

    fn run<T>(
        &self,
        server: &Server,
        patience: &Patience<'_>,
        operation: impl AsyncFn(&Connection) -> Result<T, Failure>,
    ) -> Result<T, McpError> {
        let slot =
            Arc::clone(self.slots.lock().unwrap_or_else(PoisonError::into_inner).entry(server.id.clone()).or_default());
        let done = self.network.block_on(within(patience, self.attempt(server, &slot, operation)));
        match done.map_err(|source| McpError::Network { server: server.name.clone(), source })? {
            Ok(result) => result,
            Err(interrupted) => {
                slot.suspect();
                Err(match interrupted {
                    Interrupted::Cancelled => McpError::Cancelled { server: server.name.clone() },
                    Interrupted::TimedOut => McpError::Timeout {
                        server: server.name.clone(),
                        timeout: patience.timeout,
                        message: slot.words(server),
                    },
                })
            }
        }
    }

    /// Does `operation`, and once more on a new connection when the one that was there turns out to be gone and cannot
    /// have taken it.
    async fn attempt<T>(
        &self,
        server: &Server,
        slot: &Slot,
        operation: impl AsyncFn(&Connection) -> Result<T, Failure>,
    ) -> Result<T, McpError> {
        let (connection, fresh) = self.connection(server, slot).await?;
        let failure = match operation(&connection).await {
            Ok(result) => return Ok(result),
            Err(failure) => failure,
        };
        if failure.taken || fresh {
            if connection.is_lost() {
                slot.forget(&connection);
            }
            return Err(failure.error);
        }
        tracing::info!(server = server.id, "the connection to an MCP server was gone; connecting again");
        slot.forget(&connection);
        drop(connection);
        let (connection, _) = self.connection(server, slot).await?;
        operation(&connection).await.map_err(|failure| failure.error)
    }

    /// The connection of a server, and whether it was made for this.
    async fn connection(&self, server: &Server, slot: &Slot) -> Result<(Arc<Connection>, bool), McpError> {
        let _connecting = slot.connecting.lock().await;
        if let Some(connection) = slot.current() {
            if connection.address == server.address && connection.is_alive().await {
                return Ok((connection, false));
            }
            slot.forget(&connection);
        }
        let watch = Watch::new();
        *slot.watch.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&watch));
        let means = Means { network: &self.network, bounds: &self.bounds };
        let connection = Arc::new(Connection::open(server, means, &watch).await?);
        *slot.current.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&connection));
        Ok((connection, true))
    }
}

impl Slot {
    fn current(&self) -> Option<Arc<Connection>> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn take(&self) -> Option<Arc<Connection>> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn forget(&self, connection: &Arc<Connection>) {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if current.as_ref().is_some_and(|current| Arc::ptr_eq(current, connection)) {
            *current = None;
        }
    }

    fn suspect(&self) {
        if let Some(connection) = self.current() {
            connection.suspect();
        }
    }

    fn words(&self, server: &Server) -> String {
        let watch = self.watch.lock().unwrap_or_else(PoisonError::into_inner).clone();
        watch.map(|watch| excerpt(&server.without_secrets(&watch.words()))).unwrap_or_default()
    }
}
