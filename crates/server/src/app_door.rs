//! The app API over HTTP, for the web UI: `POST /app/request/{method}` with the parameters as body, and
//! `GET /app/events?after_seq=` as a stream of server-sent events, each with a batch in its order.

use std::convert::Infallible;
use std::time::Duration;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::sse::{self, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use resident_app::api::{ApiError, ErrorCode};
use serde::Deserialize;
use serde_json::Value;

use crate::error::Problem;
use crate::extract::{Body, Query};
use crate::state::Shared;

/// Names the run of the server that numbers the events: where it is another one, a page loads afresh.
const RUN_HEADER: &str = "x-resident-run";

pub(crate) fn routes() -> Router<Shared> {
    Router::new().route("/app/request/{method}", post(request)).route("/app/events", get(events))
}

/// The web UI reads the same errors as the window, so they come as they are.
async fn request(State(shared): State<Shared>, Path(method): Path<String>, Body(params): Body<Value>) -> Response {
    let app = shared.app.clone();
    match tokio::task::spawn_blocking(move || app.dispatch(&method, params)).await {
        Ok(Ok(result)) => axum::Json(result).into_response(),
        Ok(Err(error)) => api_error(error),
        Err(panicked) => Problem::internal(panicked).into_response(),
    }
}

fn api_error(error: ApiError) -> Response {
    let status =
        if error.code == ErrorCode::Internal { StatusCode::INTERNAL_SERVER_ERROR } else { StatusCode::BAD_REQUEST };
    (status, axum::Json(error)).into_response()
}

#[derive(Deserialize)]
struct From {
    #[serde(default)]
    after_seq: u64,
}

async fn events(State(shared): State<Shared>, Query(from): Query<From>) -> impl IntoResponse {
    let follower = shared.news.follow(&shared.app, from.after_seq);
    let state = (follower, shared.stopping);
    let stream = futures_util::stream::unfold(state, |(mut follower, mut stopping)| async move {
        let batch = tokio::select! {
            batch = follower.next_batch() => batch,
            // It has no end of its own, and must not keep a server that stops.
            _ = stopping.wait_for(|stopping| *stopping) => return None,
        };
        let event = sse::Event::default().json_data(&batch).expect("events are plain data");
        Some((Ok::<_, Infallible>(event), (follower, stopping)))
    });
    let run = [(RUN_HEADER, shared.run_id.to_string())];
    (run, Sse::new(stream).keep_alive(KeepAlive::new().interval(Duration::from_secs(15))))
}
