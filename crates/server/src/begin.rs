//! Starting and stopping a server.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::middleware;
use axum::routing::get;
use resident_app::App;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::watch;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::normalize_path::NormalizePathLayer;
use tower_layer::Layer;

use crate::error::Problem;
use crate::events::News;
use crate::guard::{Guard, MOST_FILE_BYTES, guard};
use crate::runs::Runs;
use crate::state::Shared;
use crate::{ServerError, ServerOptions, app_door, v1, web_ui};

/// How long turns and answers on their way get to finish when the server stops.
const GRACE: Duration = Duration::from_secs(10);

/// A server that runs. Dropping it without [`Running::stop`] ends it at once.
pub struct Running {
    address: SocketAddr,
    stop: watch::Sender<bool>,
    news: Arc<News>,
    served: tokio::task::JoinHandle<()>,
    runtime: Runtime,
}

impl Running {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Takes no more requests, lets those on their way finish for a while, and ends. Turns that still run go on in the
    /// application, which marks them when it is shut down.
    pub fn stop(self) {
        self.stop.send_replace(true);
        let served = self.served;
        self.runtime.block_on(async {
            if tokio::time::timeout(GRACE, served).await.is_err() {
                tracing::warn!("the server stopped before every answer was sent");
            }
        });
        self.news.stop();
        self.runtime.shutdown_timeout(Duration::from_secs(1));
    }
}

/// Serves `app`.
///
/// # Errors
/// When the options would leave the server open to the network, or the address cannot be had.
pub fn start(app: Arc<App>, options: &ServerOptions) -> Result<Running, ServerError> {
    options.check()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(ServerError::Threads)?;
    let listen = |source| ServerError::Listen { address: options.address, source };
    let listener = runtime.block_on(TcpListener::bind(options.address)).map_err(listen)?;
    let address = listener.local_addr().map_err(listen)?;

    let news = News::watch(&app);
    let (stop, mut stopped) = watch::channel(false);
    let shared = Shared {
        app,
        news: news.clone(),
        runs: Arc::new(Runs::default()),
        run_id: resident_app::new_token().into(),
        stopping: stopped.clone(),
    };
    let service = NormalizePathLayer::trim_trailing_slash().layer(router(shared, Guard::new(options, address)));
    let served = runtime.spawn(async move {
        let make = axum::ServiceExt::<Request>::into_make_service(service);
        let until = async move {
            // The sender is gone only with the server itself.
            let _ = stopped.wait_for(|stopped| *stopped).await;
        };
        if let Err(error) = axum::serve(listener, make).with_graceful_shutdown(until).await {
            tracing::error!(%error, "the server ended");
        }
    });
    tracing::info!(%address, "the server listens");
    Ok(Running { address, stop, news, served, runtime })
}

fn router(shared: Shared, guarding: Guard) -> Router {
    let (v1, document) = v1::routes();
    let document = Arc::new(document);
    let openapi = get(move || {
        let document = document.clone();
        async move { axum::Json((*document).clone()) }
    });
    v1.merge(app_door::routes())
        .route("/openapi.json", openapi)
        .fallback(web_ui::serve)
        // The guard knows how large the body of each request may be.
        .layer(DefaultBodyLimit::max(MOST_FILE_BYTES))
        .layer(CatchPanicLayer::custom(|panicked: Box<dyn std::any::Any + Send>| {
            let what = panicked.downcast_ref::<&str>().copied().unwrap_or("a panic");
            axum::response::IntoResponse::into_response(Problem::internal(what))
        }))
        .layer(middleware::from_fn_with_state(Arc::new(guarding), guard))
        .with_state(shared)
}
