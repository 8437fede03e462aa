//! What every request can reach.

use std::sync::Arc;

use resident_app::App;
use resident_app::api::ApiError;
use tokio::sync::watch;

use crate::error::Problem;
use crate::events::News;
use crate::runs::Runs;

/// Shared by all requests.
#[derive(Clone)]
pub(crate) struct Shared {
    pub(crate) app: Arc<App>,
    pub(crate) news: Arc<News>,
    pub(crate) runs: Arc<Runs>,
    /// Names this run of the server: event numbers of another run mean nothing in it.
    pub(crate) run_id: Arc<str>,
    /// True as soon as the server stops.
    pub(crate) stopping: watch::Receiver<bool>,
}

impl Shared {
    /// Asks the application, on a thread where waiting is allowed.
    pub(crate) async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Arc<App>) -> Result<T, ApiError> + Send + 'static,
    ) -> Result<T, Problem> {
        let app = self.app.clone();
        match tokio::task::spawn_blocking(move || question(&app)).await {
            Ok(answer) => answer.map_err(Problem::from),
            Err(panicked) => Err(Problem::internal(panicked)),
        }
    }
}
