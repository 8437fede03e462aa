//! The desktop shell: a window around the web UI, and the application API carried over Tauri's IPC. It adds no feature
//! of its own to the product; what it has besides is what only a window can do: file dialogs, files that are dropped on it, links that open in the
//! browser, a server that runs while the window is open, and a profile that could not be opened said on screen instead
//! of in a terminal. Nothing but this package knows Tauri.

mod commands;
mod drags;
mod events;
mod links;
mod opening;
mod profile_folder;
mod serving;

use tauri::{App, AppHandle, Manager, RunEvent};
use tauri_plugin_window_state::StateFlags;

use crate::drags::Drags;
use crate::events::Subscriptions;
use crate::opening::Opening;
use crate::serving::Serving;

/// What of a window is remembered. Not whether it is shown: a window that was closed while hidden must come back.
const REMEMBERED: StateFlags = StateFlags::SIZE.union(StateFlags::POSITION).union(StateFlags::MAXIMIZED);

/// Opens the window and returns when it is closed.
///
/// # Panics
/// When the system has no display or no web view; there is nothing to show the reason in.
pub fn run() {
    tauri::Builder::default()
        .plugin(tauri_plugin_dialog::init())
        .plugin(tauri_plugin_window_state::Builder::new().with_state_flags(REMEMBERED).build())
        .plugin(links::keep_the_window_on_its_page())
        .manage(Drags::default())
        .manage(Subscriptions::default())
        .manage(Serving::default())
        .setup(set_up)
        .on_window_event(drags::on_window_event)
        .on_page_load(events::forget_the_page_before)
        .invoke_handler(tauri::generate_handler![
            commands::request,
            commands::subscribe,
            commands::unsubscribe,
            commands::follow_drags,
            commands::read_dropped,
            commands::pick_model_file,
            commands::save_file,
            commands::open_link,
            commands::opening_state,
            commands::retry_opening,
            commands::restore_backup,
            commands::choose_profile_folder,
            commands::server_state,
            commands::start_server,
            commands::stop_server,
            commands::mcp_servers,
            commands::allow_mcp_server,
            commands::quit,
        ])
        .build(tauri::generate_context!())
        .expect("the system has a display and a web view")
        .run(on_run_event);
}

/// Begins to open the profile; the window is on screen meanwhile.
fn set_up(app: &mut App) -> Result<(), Box<dyn std::error::Error>> {
    let paths = app.path();
    let opening = Opening::new(paths.resource_dir()?.join("models"), paths.app_config_dir()?);
    opening.begin();
    app.manage(opening);
    Ok(())
}

/// Stops the server and closes the profile in order when the program ends, so that the next start need not check it.
fn on_run_event(handle: &AppHandle, event: RunEvent) {
    if matches!(event, RunEvent::Exit) {
        handle.state::<Serving>().stop();
        handle.state::<Opening>().close();
    }
}
