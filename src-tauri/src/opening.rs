//! The profile's opening. It can take a while (a migration, a check after a crash) and it can fail (in use, damaged,
//! from a newer Resident, a folder that cannot be written), so it runs beside the window: whoever needs the
//! application waits here, and what went wrong is kept for the page that says so and offers what helps.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use resident_app::api::{ApiError, ErrorCode};
use resident_app::{App, OpenOptions, ProfileBackup};
use serde::Serialize;

use crate::profile_folder::ProfileFolder;

/// The profile of this window, opened or not.
#[derive(Clone)]
pub(crate) struct Opening {
    shared: Arc<Shared>,
}

struct Shared {
    stage: Mutex<Stage>,
    changed: Condvar,
    bundled_models: PathBuf,
    folder: ProfileFolder,
}

enum Stage {
    Opening,
    Open(Arc<App>),
    Failed(ApiError),
    Closed,
}

/// How the opening went, as the web UI asks for it before anything else.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub(crate) enum OpeningState {
    /// The profile is open.
    Open,
    /// It could not be opened.
    Failed {
        /// What happened, what is safe, and what to do.
        error: ApiError,
        /// The profile's folder.
        folder: PathBuf,
        /// Backups that could be restored, newest first.
        backups: Vec<ProfileBackup>,
    },
}

impl Opening {
    /// Nothing is opened yet.
    pub(crate) fn new(bundled_models: PathBuf, config_folder: PathBuf) -> Self {
        let folder = ProfileFolder::new(config_folder);
        let stage = Mutex::new(Stage::Closed);
        Self { shared: Arc::new(Shared { stage, changed: Condvar::new(), bundled_models, folder }) }
    }

    /// Begins to open the profile on a thread of its own.
    pub(crate) fn begin(&self) {
        *self.shared.lock() = Stage::Opening;
        let opening = self.clone();
        std::thread::spawn(move || {
            let stage = match opening.shared.open() {
                Ok(app) => Stage::Open(app),
                Err(error) => Stage::Failed(error),
            };
            *opening.shared.lock() = stage;
            opening.shared.changed.notify_all();
        });
    }

    /// The application, as soon as the profile is open.
    ///
    /// # Errors
    /// What kept the profile from being opened.
    pub(crate) fn app(&self) -> Result<Arc<App>, ApiError> {
        match &*self.shared.opened() {
            Stage::Open(app) => Ok(app.clone()),
            Stage::Failed(error) => Err(error.clone()),
            Stage::Opening | Stage::Closed => Err(ApiError {
                code: ErrorCode::Cancelled,
                message: "Resident is being closed.".to_owned(),
                hint: None,
            }),
        }
    }

    /// How the opening went, as soon as that is known.
    pub(crate) fn state(&self) -> OpeningState {
        match self.app() {
            Ok(_) => OpeningState::Open,
            Err(error) => {
                let folder = self.shared.folder.current();
                OpeningState::Failed { error, backups: resident_app::list_backups(&folder).unwrap_or_default(), folder }
            }
        }
    }

    /// Tries again: something outside may have changed.
    pub(crate) fn retry(&self) -> OpeningState {
        if self.app().is_err() {
            self.begin();
        }
        self.state()
    }

    /// Puts a backup in the place of a damaged database and opens it.
    ///
    /// # Errors
    /// When the profile is open, or the backup cannot be put there; the damaged database stays where it was.
    pub(crate) fn restore(&self, backup: &Path) -> Result<OpeningState, ApiError> {
        if self.app().is_ok() {
            return Err(ApiError {
                code: ErrorCode::Conflict,
                message: "The profile is open, so nothing was restored.".to_owned(),
                hint: None,
            });
        }
        resident_app::restore_backup(&self.shared.folder.current(), backup)?;
        Ok(self.retry())
    }

    /// Opens another folder, and remembers it for the next start.
    ///
    /// # Errors
    /// When the choice cannot be remembered.
    pub(crate) fn choose(&self, folder: PathBuf) -> Result<OpeningState, ApiError> {
        self.shared.folder.choose(folder)?;
        Ok(self.retry())
    }

    /// Closes the profile.
    pub(crate) fn close(&self) {
        let stage = std::mem::replace(&mut *self.shared.lock(), Stage::Closed);
        self.shared.changed.notify_all();
        if let Stage::Open(app) = stage {
            app.shutdown();
        }
    }
}

impl Shared {
    fn open(&self) -> Result<Arc<App>, ApiError> {
        App::open(OpenOptions {
            profile: Some(self.folder.current()),
            models: self.bundled_models.is_dir().then(|| self.bundled_models.clone()).into_iter().collect(),
            ..OpenOptions::default()
        })
    }

    /// The stage; a thread that panicked while it held it left it whole, since it is only ever replaced.
    fn lock(&self) -> MutexGuard<'_, Stage> {
        self.stage.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The stage, when the opening is over.
    fn opened(&self) -> MutexGuard<'_, Stage> {
        self.changed
            .wait_while(self.lock(), |stage| matches!(stage, Stage::Opening))
            .unwrap_or_else(PoisonError::into_inner)
    }
}
