//! The server that a person switches on in Settings: the same as `resident server`, on this computer only, with the
//! profile's token, for as long as the switch is on and the window is open.

use std::io::ErrorKind;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use resident_app::App;
use resident_app::api::{ApiError, ErrorCode};
use resident_server::{Access, Running, ServerError, ServerOptions};
use serde::Serialize;

/// The server of this window, running or not.
#[derive(Clone, Default)]
pub(crate) struct Serving {
    running: Arc<Mutex<Option<Served>>>,
}

struct Served {
    server: Running,
    token: String,
}

/// What Settings shows.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "camelCase")]
pub(crate) enum ServingState {
    /// No server.
    Off,
    /// A server, and what a client needs.
    On {
        /// Host and port.
        address: String,
        /// What a client sends.
        token: String,
    },
}

impl Serving {
    /// Whether there is a server.
    pub(crate) fn state(&self) -> ServingState {
        self.lock().as_ref().map_or(ServingState::Off, Served::state)
    }

    /// Starts the server; one that runs already goes on.
    ///
    /// # Errors
    /// When the port is taken, or the token cannot be kept.
    pub(crate) fn start(&self, app: &Arc<App>) -> Result<ServingState, ApiError> {
        let mut running = self.lock();
        if let Some(served) = &*running {
            return Ok(served.state());
        }
        let token = resident_server::profile_token(&app.profile_folder()).map_err(|error| not_started(&error))?;
        let options = ServerOptions::on_loopback(Access::Token(token.clone()));
        let server = resident_server::start(app.clone(), &options).map_err(|error| not_started(&error))?;
        Ok(running.insert(Served { server, token }).state())
    }

    /// Stops the server, if there is one; answers on their way are finished first.
    pub(crate) fn stop(&self) -> ServingState {
        let served = self.lock().take();
        if let Some(served) = served {
            served.server.stop();
        }
        ServingState::Off
    }

    /// A thread that panicked while it held the server left it whole, since it is only ever replaced.
    fn lock(&self) -> MutexGuard<'_, Option<Served>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Served {
    fn state(&self) -> ServingState {
        ServingState::On { address: self.server.address().to_string(), token: self.token.clone() }
    }
}

fn not_started(error: &ServerError) -> ApiError {
    if let ServerError::Listen { address, source } = error
        && source.kind() == ErrorKind::AddrInUse
    {
        let port = address.port();
        return ApiError {
            code: ErrorCode::InUse,
            message: format!("Port {port} is taken by another program, so the server did not start."),
            hint: Some("Perhaps another server of this kind runs. End it, and switch this on again.".to_owned()),
        };
    }
    ApiError { code: ErrorCode::Internal, message: format!("The server did not start: {error}."), hint: None }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use resident_app::OpenOptions;

    use super::*;

    fn app(folder: &std::path::Path) -> Arc<App> {
        let profile = Some(folder.to_owned());
        let (models_from_environment, use_keyring, log_to_file) = (false, false, false);
        let options =
            OpenOptions { profile, models_from_environment, use_keyring, log_to_file, ..OpenOptions::default() };
        App::open(options).expect("a new profile opens")
    }

    #[test]
    fn a_port_that_is_taken_is_said_in_words() {
        let folder = tempfile::tempdir().unwrap();
        let app = app(folder.path());
        let options = ServerOptions::on_loopback(Access::Anyone);
        // Whoever has the port, it is taken.
        let _taken = TcpListener::bind(options.address);
        let serving = Serving::default();
        let error = serving.start(&app).err().expect("the port is taken");
        assert_eq!(error.message, "Port 8283 is taken by another program, so the server did not start.");
        assert!(matches!(serving.state(), ServingState::Off));
        assert!(matches!(serving.stop(), ServingState::Off), "stopping what does not run is nothing");
        app.shutdown();
    }
}
