//! Links. The window itself never leaves its page; a link that a person clicks is handed to the system's browser, and
//! only when it is one of the web: anything else could start a program.

use resident_app::api::{ApiError, ErrorCode};
use tauri::plugin::TauriPlugin;
use tauri::{Runtime, Url};

/// Opens a link in the browser.
///
/// # Errors
/// When it is not a link of the web, or no browser can be started.
pub(crate) fn open_in_browser(url: &str) -> Result<(), ApiError> {
    let url = web_url(url)?;
    open::that_detached(url.as_str()).map_err(|error| ApiError {
        code: ErrorCode::Internal,
        message: format!("No browser could be started: {error}."),
        hint: Some("Copy the link instead.".to_owned()),
    })
}

fn web_url(text: &str) -> Result<Url, ApiError> {
    Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https")).ok_or_else(|| ApiError {
        code: ErrorCode::Invalid,
        message: format!("`{text}` is not a link of the web, so it was not opened."),
        hint: None,
    })
}

/// Refuses every navigation away from the application's own pages.
pub(crate) fn keep_the_window_on_its_page<R: Runtime>() -> TauriPlugin<R> {
    tauri::plugin::Builder::new("links").on_navigation(|_, url| is_own_page(url)).build()
}

/// Own pages are `tauri://localhost` and, where the web view has no such scheme, `http(s)://tauri.localhost`.
fn is_own_page(url: &Url) -> bool {
    match url.scheme() {
        "tauri" => true,
        "http" | "https" => url.host_str() == Some("tauri.localhost"),
        _ => url.as_str() == "about:blank",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_links_of_the_web_are_opened() {
        for link in ["https://example.com/a?b#c", "http://127.0.0.1:8080"] {
            assert!(web_url(link).is_ok(), "{link}");
        }
        for link in ["file:///etc/passwd", "javascript:alert(1)", "mailto:a@example.com", "smb://host", "/bin/sh", ""] {
            assert!(web_url(link).is_err(), "{link}");
        }
    }

    #[test]
    fn the_window_stays_on_its_page() {
        let cases = [
            ("tauri://localhost/index.html", true),
            ("http://tauri.localhost/", true),
            ("about:blank", true),
            ("https://example.com/", false),
            ("http://localhost/", false),
            ("file:///etc/passwd", false),
            ("data:text/html,x", false),
        ];
        for (url, is_own) in cases {
            assert_eq!(is_own_page(&Url::parse(url).unwrap()), is_own, "{url}");
        }
    }
}
