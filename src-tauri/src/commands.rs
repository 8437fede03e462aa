//! What the page may call: the application API as one command, its events as another, and the few things that only a
//! desktop window can do. Each is one expression; what it does is elsewhere.

use std::path::PathBuf;

use resident_app::api::{ApiError, ErrorCode, Event};
use resident_app::records::McpServerToAllow;
use serde_json::Value;
use tauri::ipc::{Channel, Response};
use tauri::{AppHandle, Manager, State};
use tauri_plugin_dialog::DialogExt;

use crate::drags::{Drag, Drags};
use crate::events::Subscriptions;
use crate::links;
use crate::opening::{Opening, OpeningState};
use crate::serving::{Serving, ServingState};

/// Calls a method of the application API.
#[tauri::command]
pub(crate) async fn request(opening: State<'_, Opening>, method: String, params: Value) -> Result<Value, ApiError> {
    let opening = opening.inner().clone();
    blocking(move || opening.app()?.dispatch(&method, params)).await
}

/// Carries the events after a sequence number to a channel.
#[tauri::command]
pub(crate) async fn subscribe(
    opening: State<'_, Opening>,
    subscriptions: State<'_, Subscriptions>,
    after_seq: u64,
    channel: Channel<Vec<Event>>,
) -> Result<(), ApiError> {
    let (opening, subscription) = (opening.inner().clone(), subscriptions.add(channel));
    blocking(move || opening.app().map(|app| subscription.carry(app.subscribe(after_seq)))).await
}

/// Ends what `subscribe` began with this channel.
#[tauri::command]
pub(crate) fn unsubscribe(subscriptions: State<'_, Subscriptions>, channel_id: u32) {
    subscriptions.end(channel_id);
}

/// Tells a channel of files that are dragged onto the window.
#[tauri::command]
pub(crate) fn follow_drags(drags: State<'_, Drags>, channel: Channel<Drag>) {
    drags.follow(channel);
}

/// What is in a file that was dropped last, by its place among them.
#[tauri::command]
pub(crate) async fn read_dropped(handle: AppHandle, at: usize) -> Result<Response, ApiError> {
    blocking(move || handle.state::<Drags>().read(at).map(Response::new)).await
}

/// Asks for a GGUF file; `None` when the dialog was closed.
#[tauri::command]
pub(crate) async fn pick_model_file(handle: AppHandle) -> Result<Option<String>, ApiError> {
    blocking(move || {
        let file = handle.dialog().file().add_filter("GGUF models", &["gguf"]).blocking_pick_file();
        Ok(file.map(|file| file.to_string()))
    })
    .await
}

/// Asks where a file is to be saved and saves it; the name that it has then, `None` when the dialog was closed.
#[tauri::command]
pub(crate) async fn save_file(handle: AppHandle, file_name: String, text: String) -> Result<Option<String>, ApiError> {
    blocking(move || {
        let chosen = handle.dialog().file().set_file_name(&file_name).blocking_save_file();
        let Some(path) = chosen.and_then(|path| path.into_path().ok()) else { return Ok(None) };
        std::fs::write(&path, text).map_err(|error| ApiError {
            code: ErrorCode::Internal,
            message: format!("{} could not be saved: {error}.", path.display()),
            hint: Some("Choose another folder, or make room on the disk.".to_owned()),
        })?;
        Ok(path.file_name().map(|name| name.to_string_lossy().into_owned()))
    })
    .await
}

/// Opens a link of the web in the browser.
#[tauri::command]
pub(crate) async fn open_link(url: String) -> Result<(), ApiError> {
    blocking(move || links::open_in_browser(&url)).await
}

/// How the opening of the profile went; answers when it is over.
#[tauri::command]
pub(crate) async fn opening_state(opening: State<'_, Opening>) -> Result<OpeningState, ApiError> {
    let opening = opening.inner().clone();
    blocking(move || Ok(opening.state())).await
}

/// Tries to open the profile again.
#[tauri::command]
pub(crate) async fn retry_opening(opening: State<'_, Opening>) -> Result<OpeningState, ApiError> {
    let opening = opening.inner().clone();
    blocking(move || Ok(opening.retry())).await
}

/// Restores a backup and opens it.
#[tauri::command]
pub(crate) async fn restore_backup(opening: State<'_, Opening>, path: PathBuf) -> Result<OpeningState, ApiError> {
    let opening = opening.inner().clone();
    blocking(move || opening.restore(&path)).await
}

/// Asks for another folder for the profile and opens it; `None` when the dialog was closed.
#[tauri::command]
pub(crate) async fn choose_profile_folder(
    handle: AppHandle,
    opening: State<'_, Opening>,
) -> Result<Option<OpeningState>, ApiError> {
    let opening = opening.inner().clone();
    blocking(move || {
        let folder = handle.dialog().file().blocking_pick_folder();
        folder.and_then(|folder| folder.into_path().ok()).map(|folder| opening.choose(folder)).transpose()
    })
    .await
}

/// Whether the server runs.
#[tauri::command]
pub(crate) async fn server_state(serving: State<'_, Serving>) -> Result<ServingState, ApiError> {
    let serving = serving.inner().clone();
    blocking(move || Ok(serving.state())).await
}

/// Starts the server.
#[tauri::command]
pub(crate) async fn start_server(
    opening: State<'_, Opening>,
    serving: State<'_, Serving>,
) -> Result<ServingState, ApiError> {
    let (opening, serving) = (opening.inner().clone(), serving.inner().clone());
    blocking(move || serving.start(&opening.app()?)).await
}

/// Stops the server.
#[tauri::command]
pub(crate) async fn stop_server(serving: State<'_, Serving>) -> Result<ServingState, ApiError> {
    let serving = serving.inner().clone();
    blocking(move || Ok(serving.stop())).await
}

/// The MCP servers that clients described.
#[tauri::command]
pub(crate) async fn mcp_servers(opening: State<'_, Opening>) -> Result<Vec<McpServerToAllow>, ApiError> {
    let opening = opening.inner().clone();
    blocking(move || opening.app()?.mcp_servers_to_allow()).await
}

/// Lets the MCP server of this address be started and called, or no longer. Only the window can; a client that could
/// would be able to run any program.
#[tauri::command]
pub(crate) async fn allow_mcp_server(
    opening: State<'_, Opening>,
    id: String,
    address: String,
    allowed: bool,
) -> Result<Vec<McpServerToAllow>, ApiError> {
    let opening = opening.inner().clone();
    blocking(move || {
        let app = opening.app()?;
        app.allow_mcp_server(&id, &address, allowed)?;
        app.mcp_servers_to_allow()
    })
    .await
}

/// Ends the program.
#[tauri::command]
pub(crate) fn quit(handle: AppHandle) {
    handle.exit(0);
}

/// Runs on the pool for work that waits, so that the window goes on being drawn.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ApiError> + Send + 'static,
) -> Result<T, ApiError> {
    tauri::async_runtime::spawn_blocking(work).await.unwrap_or_else(|error| {
        Err(ApiError {
            code: ErrorCode::Internal,
            message: format!("A request ended unexpectedly: {error}. Nothing that was saved is lost."),
            hint: Some("Try again; the log says more.".to_owned()),
        })
    })
}
