//! `resident models`.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};
use resident_app::App;
use resident_app::api::{AddModelFile, ApiError, ErrorCode, ModelRef, ModelState, ModelView, Nothing, UpdateSettings};

use crate::output::{Output, table};

#[derive(Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    action: Option<Action>,
}

#[derive(Subcommand)]
enum Action {
    /// List models (the default)
    List,
    /// Load a model, to see whether it works
    Load {
        /// Its handle
        handle: String,
    },
    /// Make a model the default
    Default {
        /// Its handle
        handle: String,
    },
    /// Add a GGUF file where it lies
    Add {
        /// The file
        path: PathBuf,
    },
    /// Take a model off this computer; a file that was added stays where it is
    Forget {
        /// Its handle
        handle: String,
    },
    /// Download a model; needs to be online
    Download {
        /// Its handle
        handle: String,
    },
}

pub(crate) fn run(app: &Arc<App>, arguments: Arguments, output: Output) -> Result<ExitCode, ApiError> {
    match arguments.action.unwrap_or(Action::List) {
        Action::List => {
            let models = app.list_models(Nothing {})?;
            output.value(&models, |models| rows(models));
        }
        Action::Load { handle } => {
            let spinner = spinner(output, format!("loading {handle}"));
            let loaded = app.load_model(ModelRef { handle });
            spinner.finish_and_clear();
            one(output, &loaded?);
        }
        Action::Default { handle } => {
            app.update_settings(UpdateSettings { default_model: Some(handle.clone()), ..UpdateSettings::default() })?;
            one(output, &view(app, &handle)?);
        }
        Action::Add { path } => {
            let path = path.to_string_lossy().into_owned();
            one(output, &app.add_model_file(AddModelFile { path })?);
        }
        Action::Forget { handle } => {
            app.forget_model(ModelRef { handle: handle.clone() })?;
            output.value(&handle, |handle| format!("{handle} was taken off the list."));
        }
        Action::Download { handle } => one(output, &download(app, handle, output)?),
    }
    Ok(ExitCode::SUCCESS)
}

/// Downloads with a progress bar; ends when the model is here or the download failed.
fn download(app: &Arc<App>, handle: String, output: Output) -> Result<ModelView, ApiError> {
    let bar = if output.is_json() { ProgressBar::hidden() } else { ProgressBar::new(0) };
    let style = ProgressStyle::with_template("{bar:30} {bytes} of {total_bytes}, {bytes_per_sec}, {eta} left");
    bar.set_style(style.expect("the template is well formed"));
    let mut model = app.download_model(ModelRef { handle: handle.clone() })?;
    let mut began = false;
    loop {
        match &model.state {
            ModelState::Downloading { bytes, of } => {
                began = true;
                bar.set_length(*of);
                bar.set_position(*bytes);
            }
            ModelState::Failed { message } => {
                bar.abandon();
                return Err(ApiError { code: ErrorCode::Endpoint, message: message.clone(), hint: None });
            }
            ModelState::Downloadable if began => {
                let message = format!("The download of {} was stopped.", model.name);
                return Err(ApiError { code: ErrorCode::Cancelled, message, hint: None });
            }
            ModelState::Downloadable => {}
            ModelState::Available | ModelState::Loading | ModelState::Loaded => {
                bar.finish_and_clear();
                return Ok(model);
            }
        }
        std::thread::sleep(Duration::from_millis(200));
        model = view(app, &handle)?;
    }
}

pub(crate) fn spinner(output: Output, message: String) -> ProgressBar {
    let spinner = if output.is_json() { ProgressBar::hidden() } else { ProgressBar::new_spinner() };
    spinner.set_message(message);
    spinner.enable_steady_tick(Duration::from_millis(120));
    spinner
}

fn view(app: &App, handle: &str) -> Result<ModelView, ApiError> {
    app.list_models(Nothing {})?.into_iter().find(|model| model.handle == handle).ok_or_else(|| ApiError {
        code: ErrorCode::NotFound,
        message: format!("There is no model `{handle}`."),
        hint: Some("`resident models` lists them.".to_owned()),
    })
}

fn one(output: Output, model: &ModelView) {
    output.value(model, |model| rows(std::slice::from_ref(model)));
}

fn rows(models: &[ModelView]) -> String {
    let row = |model: &ModelView| {
        let place = model.remote_host.clone().map_or_else(|| "this computer".to_owned(), |host| format!("at {host}"));
        let size = model.size_bytes.map(|bytes| format!("{} MB", bytes / 1_000_000)).unwrap_or_default();
        let default = if model.is_default { "default" } else { "" };
        let fits = if model.fits == Some(false) { "does not fit" } else { "" };
        vec![model.handle.clone(), model.name.clone(), place, size, state(&model.state), default.into(), fits.into()]
    };
    table(&models.iter().map(row).collect::<Vec<_>>())
}

fn state(state: &ModelState) -> String {
    match state {
        ModelState::Downloadable => "can be downloaded".to_owned(),
        ModelState::Downloading { bytes, of } => format!("downloading, {} %", bytes * 100 / (*of).max(1)),
        ModelState::Available => "ready".to_owned(),
        ModelState::Loading => "loading".to_owned(),
        ModelState::Loaded => "loaded".to_owned(),
        ModelState::Failed { message } => message.clone(),
    }
}
