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
use futures_util::Stream;
use resident_app::api::{ApiError, ErrorCode};
use serde::Deserialize;
use serde_json::Value;

use crate::error::Problem;
use crate::extract::{Body, Query};
use crate::state::Shared;

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

async fn events(
    State(shared): State<Shared>,
    Query(from): Query<From>,
) -> Sse<impl Stream<Item = Result<sse::Event, Infallible>>> {
    let follower = shared.news.follow(&shared.app, from.after_seq);
    let stream = futures_util::stream::unfold(follower, |mut follower| async move {
        let batch = follower.next_batch().await;
        let event = sse::Event::default().json_data(&batch).expect("events are plain data");
        Some((Ok(event), follower))
    });
    Sse::new(stream).keep_alive(KeepAlive::new().interval(Duration::from_secs(15)))
}
