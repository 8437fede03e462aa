//! The web UI, carried inside the program. The page is served for every path that names no file, so that a link into it
//! works; it may load nothing from elsewhere.

use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::http::{Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use rust_embed::{EmbeddedFile, RustEmbed};

use crate::error::Problem;

#[derive(RustEmbed)]
#[folder = "../../ui/dist"]
#[allow_missing = true]
struct Files;

const PAGE: &str = "server.html";

const POLICY: &str = "default-src 'self'; img-src 'self' data: blob:; style-src 'self' 'unsafe-inline'; \
                      font-src 'self' data:; connect-src 'self'; object-src 'none'; base-uri 'none'; \
                      form-action 'none'; frame-ancestors 'none'";

/// Answers what no other route does.
pub(crate) async fn serve(method: Method, uri: Uri) -> Response {
    let path = uri.path().trim_start_matches('/');
    if path == "v1" || path.starts_with("v1/") || path.starts_with("app/") {
        let detail = format!("{method} /{path} is not a route of this server.");
        return Problem::new(StatusCode::NOT_FOUND, detail).into_response();
    }
    if method != Method::GET && method != Method::HEAD {
        return Problem::new(StatusCode::METHOD_NOT_ALLOWED, "The web UI can only be read.").into_response();
    }
    let (file, lasting) = match Files::get(path) {
        // The build names what it makes by content, so that it can be kept for good.
        Some(file) if path.starts_with("assets/") => (Some(file), true),
        Some(file) => (Some(file), false),
        None => (Files::get(PAGE), false),
    };
    match file {
        Some(file) => file_response(file, lasting),
        None => Problem::new(StatusCode::NOT_FOUND, "This program was built without the web UI.").into_response(),
    }
}

fn file_response(file: EmbeddedFile, lasting: bool) -> Response {
    let kind = file.metadata.mimetype().to_owned();
    let cache = if lasting { "public, max-age=31536000, immutable" } else { "no-cache" };
    let headers = [
        (CONTENT_TYPE, kind),
        (CACHE_CONTROL, cache.to_owned()),
        (CONTENT_SECURITY_POLICY, POLICY.to_owned()),
        (axum::http::header::X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
        (axum::http::header::REFERRER_POLICY, "no-referrer".to_owned()),
    ];
    (headers, file.data.into_owned()).into_response()
}
