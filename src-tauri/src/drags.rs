//! Files that are dragged onto the window. Web views differ in what they tell a page about them, and that of Linux hands
//! over no file at all, so that the shell follows the drag itself and tells the page, which goes on as with any drag.
//! The page may read the files that were dropped last, by their place among them, and no other.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use resident_app::api::{ApiError, ErrorCode};
use serde::Serialize;
use tauri::ipc::Channel;
use tauri::{DragDropEvent, Manager, PhysicalPosition, Window, WindowEvent};

/// What is read of a file at the most: one byte more than the largest that the page takes, so that it sees that.
const MOST_BYTES: u64 = 64 * 1024 * 1024 + 1;

/// The drag that is over the window, and what was dropped last.
#[derive(Default)]
pub(crate) struct Drags {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    page: Option<Channel<Drag>>,
    over: bool,
    dropped: Vec<PathBuf>,
}

/// What the page is told, with the place under the pointer in its own pixels.
#[derive(Clone, Serialize)]
#[serde(tag = "type", rename_all = "camelCase")]
pub(crate) enum Drag {
    Enter { x: f64, y: f64 },
    Over { x: f64, y: f64 },
    Leave,
    Drop { x: f64, y: f64, names: Vec<String> },
}

impl Drags {
    /// Tells this page of drags from now on.
    pub(crate) fn follow(&self, page: Channel<Drag>) {
        self.lock().page = Some(page);
    }

    /// What is in a file that was dropped last.
    ///
    /// # Errors
    /// When it was not dropped or cannot be read.
    pub(crate) fn read(&self, at: usize) -> Result<Vec<u8>, ApiError> {
        let path = self.lock().dropped.get(at).cloned();
        path.ok_or_else(|| io::ErrorKind::NotFound.into()).and_then(|path| beginning_of(&path)).map_err(unreadable)
    }

    fn take(&self, event: &DragDropEvent, pixels: f64) {
        let place = |position: &PhysicalPosition<f64>| (position.x / pixels, position.y / pixels);
        let mut state = self.lock();
        let drag = match event {
            DragDropEvent::Enter { paths, position } => {
                // A link of a web page comes along the same way; it is none of ours.
                state.over = paths.iter().any(|path| path.is_absolute());
                let (x, y) = place(position);
                Drag::Enter { x, y }
            }
            DragDropEvent::Over { position } => {
                let (x, y) = place(position);
                Drag::Over { x, y }
            }
            DragDropEvent::Drop { paths, position } => {
                state.dropped = paths.iter().filter(|path| path.is_absolute()).cloned().collect();
                let (x, y) = place(position);
                Drag::Drop { x, y, names: state.dropped.iter().map(|path| name_of(path)).collect() }
            }
            // What an event of a later version means is not known; that nothing hovers does no harm.
            _ => Drag::Leave,
        };
        if !state.over {
            return;
        }
        state.over = !matches!(drag, Drag::Leave | Drag::Drop { .. });
        if let Some(page) = &state.page {
            // A page that is gone has no use for it.
            drop(page.send(drag));
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes the drags out of the window's events.
pub(crate) fn on_window_event(window: &Window, event: &WindowEvent) {
    if let WindowEvent::DragDrop(event) = event {
        // The other systems count in the page's pixels already.
        let pixels = if cfg!(windows) { window.scale_factor().unwrap_or(1.0) } else { 1.0 };
        window.state::<Drags>().take(event, pixels);
    }
}

fn beginning_of(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(MOST_BYTES).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn unreadable(error: io::Error) -> ApiError {
    ApiError {
        code: ErrorCode::Invalid,
        message: format!("What was dropped could not be read: {error}."),
        hint: Some("It may be a folder, or gone.".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_dropped_last_can_be_read() {
        let folder = std::env::temp_dir().join(format!("resident-drags-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        let file = folder.join("juno.af");
        std::fs::write(&file, "{}").expect("a file");
        let drags = Drags::default();
        let position = PhysicalPosition::new(1.0, 1.0);
        assert!(drags.read(0).is_err());
        drags.take(&DragDropEvent::Enter { paths: vec![file.clone()], position }, 1.0);
        assert!(drags.read(0).is_err(), "what hovers is not handed over yet");
        drags.take(&DragDropEvent::Drop { paths: vec![file, folder.clone()], position }, 1.0);
        assert_eq!(drags.read(0).expect("it was dropped"), b"{}");
        assert!(drags.read(1).is_err(), "a folder has no text");
        assert!(drags.read(2).is_err());
        std::fs::remove_dir_all(folder).expect("it can be removed");
    }
}
