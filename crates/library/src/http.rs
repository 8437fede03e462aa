//! The one place where HTTP clients are made, for downloads and for remote models alike.
//!
//! A [`Network`] carries the switch **Offline**. While it is on, nothing but this computer is spoken to, and that is
//! decided before a socket is opened, in three places, since each alone has a hole: the address of a request is
//! checked (an IP address in a URL is never resolved), the resolver refuses names (a name could point anywhere), and
//! every redirect is checked again. Requests to this computer use a client of their own, which knows no proxy, resolves
//! `localhost` to the loopback addresses without asking anyone, and can reach nothing else whatever the switch says.
//!
//! The async runtime lives here too, started at the first request, so that the rest of the program stays synchronous.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::redirect;
use reqwest::{Client, Url};
use thiserror::Error;
use tokio::runtime::Runtime;

/// Time for a TCP and TLS connection. A host that has not answered after that is away; only the first bytes of an
/// answer may take longer.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// A chain of redirects longer than this is a loop.
const MAX_REDIRECTS: usize = 8;

/// Common servers close an idle connection after five seconds; one that is given up before cannot break under a
/// request that must not be sent twice.
const POOL_IDLE: Duration = Duration::from_secs(4);

/// Workers of the runtime. All there is to do is to wait for sockets; with a second one, each piece of an answer would
/// wake it too, to look whether there is more to do.
const WORKERS: usize = 1;

/// Why the network was not used.
#[derive(Debug, Error)]
pub enum HttpError {
    /// Resident is offline.
    #[error("Resident is offline; {host} was not contacted")]
    Offline {
        /// The host that would have been contacted.
        host: String,
    },
    /// The address is not one that HTTP can use.
    #[error("{url} is not an http or https address")]
    Address {
        /// What was given.
        url: String,
    },
    /// No client could be made.
    #[error("could not set up the network")]
    Client(#[source] reqwest::Error),
    /// No runtime could be started.
    #[error("could not set up the network")]
    Runtime(#[source] std::io::Error),
}

/// The way to the network; clones share the switch, the clients and the runtime.
#[derive(Clone)]
pub struct Network {
    shared: Arc<Shared>,
}

struct Shared {
    offline: Arc<AtomicBool>,
    connect_timeout: Duration,
    runtime: OnceLock<Runtime>,
    clients: [OnceLock<Client>; 4],
}

impl Drop for Shared {
    fn drop(&mut self) {
        // The last clone may be held by a task of the runtime itself, where waiting for its end is not allowed.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl std::fmt::Debug for Network {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Network").field("offline", &self.is_offline()).finish_non_exhaustive()
    }
}

/// Whether a client goes where it is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Redirects {
    /// Each is checked, then followed: for downloads, which a hub hands on to its storage.
    Follow,
    /// Returned as the answer: for what carries a key or a message, which belong to the host they were meant for.
    Return,
}

impl Network {
    /// A network that is offline or not. Nothing is opened yet.
    pub fn new(offline: bool) -> Self {
        Self::with_connect_timeout(offline, CONNECT_TIMEOUT)
    }

    /// The same with another time for a connection.
    pub fn with_connect_timeout(offline: bool, connect_timeout: Duration) -> Self {
        let shared = Shared {
            offline: Arc::new(AtomicBool::new(offline)),
            connect_timeout,
            runtime: OnceLock::new(),
            clients: Default::default(),
        };
        Self { shared: Arc::new(shared) }
    }

    /// Whether only this computer may be spoken to.
    pub fn is_offline(&self) -> bool {
        self.shared.offline.load(Ordering::SeqCst)
    }

    /// Turns the switch, for all clones and at once.
    pub fn set_offline(&self, offline: bool) {
        self.shared.offline.store(offline, Ordering::SeqCst);
    }

    /// Nothing, if `url` may be contacted now.
    ///
    /// # Errors
    /// [`HttpError::Address`] when it is not HTTP, [`HttpError::Offline`] when it is not this computer while offline.
    pub fn check(&self, url: &Url) -> Result<(), HttpError> {
        if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
            return Err(HttpError::Address { url: url.to_string() });
        }
        if self.is_offline() && !is_loopback(url) {
            return Err(HttpError::Offline { host: host_of(url) });
        }
        Ok(())
    }

    /// The client for a request to `url`, after [`Network::check`]. To be asked for again for every request.
    ///
    /// # Errors
    /// What `check` says, or that no client can be made (a system without root certificates, for instance).
    pub fn client(&self, url: &Url, redirects: Redirects) -> Result<Client, HttpError> {
        self.check(url)?;
        let local = is_loopback(url);
        let slot = usize::from(local) * 2 + usize::from(redirects == Redirects::Follow);
        let slot = &self.shared.clients[slot];
        if let Some(client) = slot.get() {
            return Ok(client.clone());
        }
        let client = self.build(local, redirects).map_err(HttpError::Client)?;
        Ok(slot.get_or_init(|| client).clone())
    }

    /// Runs `future` to its end on the caller's thread, with sockets and timers served by the runtime. Not to be
    /// called from async code, which would block its own thread.
    ///
    /// # Errors
    /// [`HttpError::Runtime`] when the runtime cannot be started.
    pub fn block_on<F: Future>(&self, future: F) -> Result<F::Output, HttpError> {
        if let Some(runtime) = self.shared.runtime.get() {
            return Ok(runtime.block_on(future));
        }
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(WORKERS)
            .thread_name("resident-network")
            .enable_all()
            .build()
            .map_err(HttpError::Runtime)?;
        Ok(self.shared.runtime.get_or_init(|| runtime).block_on(future))
    }

    fn build(&self, local: bool, redirects: Redirects) -> Result<Client, reqwest::Error> {
        // Another part of the program may have installed it already, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let offline = Arc::clone(&self.shared.offline);
        let builder = || {
            let builder = Client::builder()
                .user_agent(concat!("resident/", env!("CARGO_PKG_VERSION")))
                .connect_timeout(self.shared.connect_timeout)
                .pool_idle_timeout(POOL_IDLE)
                .redirect(policy(Arc::clone(&offline), local, redirects))
                // Whether a request may be sent again is decided by the caller, who knows what is in it.
                .retry(reqwest::retry::never());
            if local {
                builder.no_proxy().dns_resolver(LoopbackResolver)
            } else {
                builder.dns_resolver(GuardedResolver { offline: Arc::clone(&offline) })
            }
        };
        match builder().build() {
            // Without root certificates a local server can still be spoken to over plain HTTP.
            Err(_) if local => builder().tls_certs_only([]).build(),
            result => result,
        }
    }
}

fn policy(offline: Arc<AtomicBool>, local: bool, redirects: Redirects) -> redirect::Policy {
    match redirects {
        Redirects::Return => redirect::Policy::none(),
        Redirects::Follow => redirect::Policy::custom(move |attempt| {
            let confined = local || offline.load(Ordering::SeqCst);
            if attempt.previous().len() > MAX_REDIRECTS {
                attempt.error("too many redirects")
            } else if confined && !is_loopback(attempt.url()) {
                let host = host_of(attempt.url());
                attempt.error(HttpError::Offline { host })
            } else {
                attempt.follow()
            }
        }),
    }
}

/// Whether a URL names this computer: a literal loopback address, or `localhost`.
pub fn is_loopback(url: &Url) -> bool {
    let Some(host) = url.host_str() else { return false };
    if is_localhost(host) {
        return true;
    }
    match host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>() {
        Ok(IpAddr::V4(address)) => address.is_loopback(),
        Ok(IpAddr::V6(address)) => {
            address.is_loopback() || address.to_ipv4_mapped().is_some_and(|address| address.is_loopback())
        }
        Err(_) => false,
    }
}

/// RFC 6761 reserves `localhost` and everything under it for the loopback addresses.
fn is_localhost(host: &str) -> bool {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    host == "localhost" || host.ends_with(".localhost")
}

/// Host and port of a URL, as a person would recognise them.
pub fn host_of(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}

/// The message of an error with those of its causes, each once.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let message = error.to_string();
        if !text.contains(&message) {
            text = format!("{text}: {message}");
        }
        cause = error.source();
    }
    text
}

/// The host of an [`HttpError::Offline`] that a client met on its way, in a redirect or at a name.
pub fn offline_host(error: &reqwest::Error) -> Option<String> {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if let Some(HttpError::Offline { host }) = error.downcast_ref() {
            return Some(host.clone());
        }
        cause = error.source();
    }
    None
}

/// Knows `localhost` and nothing else.
struct LoopbackResolver;

impl Resolve for LoopbackResolver {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(std::future::ready(loopback_addresses(name.as_str())))
    }
}

type Resolved = Result<Addrs, Box<dyn std::error::Error + Send + Sync>>;

fn loopback_addresses(name: &str) -> Resolved {
    if !is_localhost(name) {
        return Err(HttpError::Offline { host: name.to_owned() }.into());
    }
    // Port 0 is replaced by that of the URL.
    let addresses = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)].map(|ip| SocketAddr::new(ip, 0));
    Ok(Box::new(addresses.into_iter()))
}

/// Asks the system, unless offline.
struct GuardedResolver {
    offline: Arc<AtomicBool>,
}

impl Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        if is_localhost(name.as_str()) || self.offline.load(Ordering::SeqCst) {
            return Box::pin(std::future::ready(loopback_addresses(name.as_str())));
        }
        Box::pin(async move {
            let addresses: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).expect("a test's URL")
    }

    #[test]
    fn loopback_is_told_from_everything_that_looks_like_it() {
        for local in [
            "http://127.0.0.1:11434/v1",
            "http://127.8.9.1/",
            "http://localhost",
            "http://LocalHost:80",
            "http://ollama.localhost/",
            "http://localhost./",
            "https://[::1]:8080/",
            "http://[::ffff:127.0.0.1]/",
            // URL parsing turns these spellings into 127.0.0.1 before anything else sees them.
            "http://2130706433/",
            "http://0x7f.1/",
        ] {
            assert!(is_loopback(&url(local)), "{local}");
        }
        for remote in [
            "http://0.0.0.0/",
            "http://10.0.0.1/",
            "http://192.168.1.2/",
            "http://localhost.example.com/",
            "http://notlocalhost/",
            "http://127.0.0.1.nip.io/",
            "http://127.0.0.1@example.com/",
            "http://[::]/",
            "http://[fe80::1]/",
        ] {
            assert!(!is_loopback(&url(remote)), "{remote}");
        }
    }

    #[test]
    fn offline_refuses_all_but_this_computer_and_can_be_turned() {
        let network = Network::new(true);
        assert!(network.check(&url("http://localhost:1234/")).is_ok());
        assert!(matches!(
            network.client(&url("https://api.example.com/v1"), Redirects::Return),
            Err(HttpError::Offline { host }) if host == "api.example.com"
        ));
        let clone = network.clone();
        clone.set_offline(false);
        assert!(network.check(&url("https://api.example.com/v1")).is_ok());
    }

    #[test]
    fn only_http_addresses_are_contacted() {
        let network = Network::new(false);
        for address in ["file:///etc/passwd", "ftp://example.com/", "data:text/plain,hi"] {
            assert!(matches!(network.check(&url(address)), Err(HttpError::Address { .. })), "{address}");
        }
    }

    #[test]
    fn the_local_resolver_knows_only_localhost() {
        let ips: Vec<IpAddr> =
            loopback_addresses("localhost").expect("localhost is known").map(|address| address.ip()).collect();
        assert!(ips.iter().all(IpAddr::is_loopback));
        assert!(loopback_addresses("example.com").is_err());
    }
}
