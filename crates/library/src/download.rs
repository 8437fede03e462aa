//! The resumable transfer of one file.
//!
//! What has arrived lies in `<name>.partial`, and beside it in `<name>.partial.json` which version of the file it
//! belongs to (address and ETag). Any interruption, a cancel, a crash or a lost connection, keeps both; the next try
//! hashes what is there and asks for the rest with `Range` and `If-Range`, so that a server whose file has changed
//! sends it whole instead of a mixture. A file gets its name only after its hash was found right, by an atomic rename;
//! one with a wrong hash is removed, since every later try would build on it.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use reqwest::header::{CONTENT_RANGE, ETAG, HeaderMap, IF_RANGE, LOCATION, RANGE};
use reqwest::{Response, StatusCode, Url};
use serde::{Deserialize, Serialize};

use crate::http::{HttpError, Network, Redirects, chain, host_of, offline_host};
use crate::manifest::{FileEntry, is_sha256};
use crate::verify::{Hash, hash_file};
use crate::{LibraryError, Progress, sync_folder};

/// Room that a download leaves free, for the database and whatever else writes meanwhile.
const MARGIN_BYTES: u64 = 64 << 20;

/// How often the cancel flag is looked at while nothing arrives.
const CANCEL_POLL: Duration = Duration::from_millis(25);

/// Progress is told once for so many bytes.
const PROGRESS_BYTES: u64 = 256 << 10;

/// How patient a transfer is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Patience {
    /// Without a byte for so long, the connection counts as dead.
    pub idle: Duration,
    /// Tries in a row that brought nothing new, before it gives up.
    pub fruitless_tries: u32,
    /// The pause after the first of them; doubled after each further one.
    pub pause: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { idle: Duration::from_secs(60), fruitless_tries: 5, pause: Duration::from_secs(1) }
    }
}

/// What is to be fetched, and where to.
pub(crate) struct Job<'a> {
    pub(crate) network: &'a Network,
    pub(crate) patience: &'a Patience,
    pub(crate) model_id: &'a str,
    pub(crate) file: &'a FileEntry,
    /// The hash of the manifest, or the one pinned before.
    pub(crate) sha256: Option<String>,
    pub(crate) url: Url,
    pub(crate) folder: &'a Path,
    pub(crate) cancel: &'a AtomicBool,
}

/// Which version of the file the partial one belongs to.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Version {
    url: String,
    etag: Option<String>,
}

/// What has arrived.
struct Partial {
    path: PathBuf,
    version_path: PathBuf,
    version: Version,
    length: u64,
    hash: Hash,
}

enum Failure {
    /// Another try may help.
    Passing(String),
    Final(LibraryError),
}

impl<E: Into<LibraryError>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::Final(error.into())
    }
}

/// The path of the partial file of `name`.
pub(crate) fn partial_path(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("{name}.partial"))
}

/// Removes what a broken download of `name` has left.
pub(crate) fn remove_partial(folder: &Path, name: &str) -> Result<(), LibraryError> {
    for path in [partial_path(folder, name), folder.join(format!("{name}.partial.json"))] {
        match fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(LibraryError::io("remove", path)(error));
            }
            Ok(()) | Err(_) => {}
        }
    }
    Ok(())
}

impl Job<'_> {
    /// Fetches the file; its hash is returned.
    pub(crate) fn run(mut self, on_progress: &mut dyn FnMut(Progress)) -> Result<String, LibraryError> {
        self.network.check(&self.url)?;
        fs::create_dir_all(self.folder).map_err(LibraryError::io("create", self.folder))?;
        on_progress(Progress::Connecting { file: self.file.name.clone() });
        let network = self.network.clone();
        network.block_on(async {
            if self.sha256.is_none() {
                self.sha256 = self.hash_of_hub().await;
            }
            let mut partial = self.open_partial(on_progress)?;
            self.transfer(&mut partial, on_progress).await?;
            self.finish(partial)
        })?
    }

    async fn transfer(&self, partial: &mut Partial, on_progress: &mut dyn FnMut(Progress)) -> Result<(), LibraryError> {
        let mut fruitless = 0;
        while partial.length < self.file.bytes {
            let before = partial.length;
            let message = match self.attempt(partial, on_progress).await {
                Ok(()) => continue,
                Err(Failure::Final(error)) => return Err(error),
                Err(Failure::Passing(message)) => message,
            };
            fruitless = if partial.length > before { 0 } else { fruitless + 1 };
            if fruitless >= self.patience.fruitless_tries {
                let file = self.file.name.clone();
                return Err(LibraryError::Interrupted { host: host_of(&self.url), file, message });
            }
            tracing::info!(file = %self.file.name, %message, "the download broke off and is resumed");
            let pause = self.patience.pause * 2_u32.pow(fruitless.saturating_sub(1).min(5));
            self.or_cancelled(tokio::time::sleep(pause)).await?;
        }
        Ok(())
    }

    async fn attempt(&self, partial: &mut Partial, on_progress: &mut dyn FnMut(Progress)) -> Result<(), Failure> {
        let missing = self.file.bytes - partial.length;
        check_room(self.folder, missing)?;
        let mut request = self.network.client(&self.url, Redirects::Follow)?.get(self.url.clone());
        if partial.length > 0 {
            request = request.header(RANGE, format!("bytes={}-", partial.length));
            // A weak ETag does not promise equal bytes, and `If-Range` does not take it.
            if let Some(etag) = partial.version.etag.as_deref().filter(|etag| !etag.starts_with("W/")) {
                request = request.header(IF_RANGE, etag);
            }
        }
        let sent = self.or_cancelled(tokio::time::timeout(self.patience.idle, request.send())).await?;
        let response = match sent {
            Err(_) => return Err(Failure::Passing("it did not answer".into())),
            Ok(Err(error)) => return Err(failure(error)),
            Ok(Ok(response)) => response,
        };
        self.accept(&response, partial)?;
        self.receive(response, partial, on_progress).await
    }

    /// Decides from status and headers whether the body continues what is there, begins anew, or is no file at all.
    fn accept(&self, response: &Response, partial: &mut Partial) -> Result<(), Failure> {
        let status = response.status();
        let etag = header(response.headers(), ETAG.as_str());
        match status {
            StatusCode::PARTIAL_CONTENT => {
                let (start, total) = content_range(response.headers())
                    .ok_or_else(|| Failure::Passing("it sent a part of the file without saying which".into()))?;
                if start != partial.length || etag != partial.version.etag {
                    partial.restart()?;
                    return Err(Failure::Passing("the file has changed on the server".into()));
                }
                self.check_size(total)
            }
            StatusCode::OK => {
                if let Some(length) = response.content_length() {
                    self.check_size(length)?;
                }
                partial.restart()?;
                partial.set_version(Version { url: self.url.to_string(), etag })
            }
            StatusCode::RANGE_NOT_SATISFIABLE => {
                partial.restart()?;
                Err(Failure::Passing("the file is shorter on the server".into()))
            }
            StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT => {
                Err(Failure::Passing(format!("it answered {status}")))
            }
            status if status.is_server_error() => Err(Failure::Passing(format!("it answered {status}"))),
            status => Err(Failure::Final(LibraryError::Status {
                host: host_of(response.url()),
                status: status.as_u16(),
                file: self.file.name.clone(),
            })),
        }
    }

    fn check_size(&self, actual: u64) -> Result<(), Failure> {
        if actual == self.file.bytes {
            return Ok(());
        }
        let expected = self.file.bytes;
        Err(Failure::Final(LibraryError::WrongSize { file: self.file.name.clone(), expected, actual }))
    }

    async fn receive(
        &self,
        mut response: Response,
        partial: &mut Partial,
        on_progress: &mut dyn FnMut(Progress),
    ) -> Result<(), Failure> {
        let mut file = OpenOptions::new()
            .append(true)
            .create(true)
            .open(&partial.path)
            .map_err(LibraryError::io("open", &partial.path))?;
        let mut told = 0;
        loop {
            if partial.length >= told || partial.length == self.file.bytes {
                told = partial.length + PROGRESS_BYTES;
                let (bytes, of) = (partial.length, self.file.bytes);
                on_progress(Progress::Transferring { file: self.file.name.clone(), bytes, of });
            }
            let chunk = self.or_cancelled(tokio::time::timeout(self.patience.idle, response.chunk())).await?;
            let chunk = match chunk {
                Err(_) => return Err(Failure::Passing("it stopped sending".into())),
                Ok(Err(error)) => return Err(failure(error)),
                Ok(Ok(None)) if partial.length < self.file.bytes => {
                    return Err(Failure::Passing("it hung up in the middle".into()));
                }
                Ok(Ok(None)) => break,
                Ok(Ok(Some(chunk))) => chunk,
            };
            let length = partial.length + chunk.len() as u64;
            if length > self.file.bytes {
                partial.restart()?;
                self.check_size(length)?;
            }
            file.write_all(&chunk).map_err(|source| write_error(source, self.folder, &partial.path, chunk.len()))?;
            partial.hash.update(&chunk);
            partial.length = length;
        }
        file.sync_all().map_err(LibraryError::io("write", &partial.path))?;
        Ok(())
    }

    fn finish(&self, partial: Partial) -> Result<String, LibraryError> {
        let actual = partial.hash.hex();
        if let Some(expected) = &self.sha256
            && *expected != actual
        {
            remove_partial(self.folder, &self.file.name)?;
            let path = self.folder.join(&self.file.name);
            return Err(LibraryError::WrongHash { path, expected: expected.clone(), actual });
        }
        put_in_place(self.folder, &self.file.name)?;
        Ok(actual)
    }

    /// What an earlier try has left, if it belongs to the same file.
    fn open_partial(&self, on_progress: &mut dyn FnMut(Progress)) -> Result<Partial, LibraryError> {
        let path = partial_path(self.folder, &self.file.name);
        let version_path = self.folder.join(format!("{}.partial.json", self.file.name));
        let mut partial = Partial { path, version_path, version: Version::default(), length: 0, hash: Hash::default() };
        let version: Option<Version> =
            fs::read(&partial.version_path).ok().and_then(|text| serde_json::from_slice(&text).ok());
        let length = fs::metadata(&partial.path).map_or(0, |metadata| metadata.len());
        let belongs = version.as_ref().is_some_and(|version| version.url == self.url.as_str());
        if length == 0 || length > self.file.bytes || !belongs {
            partial.restart()?;
            return Ok(partial);
        }
        on_progress(Progress::Verifying { file: self.file.name.clone() });
        let Some((hash, length)) = hash_file(&partial.path, Some(self.cancel))? else { return Err(self.cancelled()) };
        (partial.hash, partial.length, partial.version) = (hash, length, version.unwrap_or_default());
        Ok(partial)
    }

    /// The SHA-256 that the hub gives for a large file, in the answer that hands on to its storage.
    async fn hash_of_hub(&self) -> Option<String> {
        let mut url = self.url.clone();
        for _ in 0..3 {
            let request = self.network.client(&url, Redirects::Return).ok()?.head(url.clone());
            let response = tokio::time::timeout(self.patience.idle, request.send()).await.ok()?.ok()?;
            let linked = header(response.headers(), "x-linked-etag").or_else(|| header(response.headers(), "etag"));
            let linked = linked.map(|etag| etag.trim_start_matches("W/").trim_matches('"').to_owned());
            if let Some(hash) = linked.filter(|hash| is_sha256(hash)) {
                return Some(hash);
            }
            // A repository that was renamed is found on the same host; anything else is the storage.
            let next = url.join(&header(response.headers(), LOCATION.as_str())?).ok()?;
            if next.host_str() != url.host_str() || next.port() != url.port() {
                return None;
            }
            url = next;
        }
        None
    }

    async fn or_cancelled<F: Future>(&self, future: F) -> Result<F::Output, LibraryError> {
        let cancelled = async {
            while !self.cancel.load(Ordering::SeqCst) {
                tokio::time::sleep(CANCEL_POLL).await;
            }
        };
        tokio::select! {
            biased;
            () = cancelled => Err(self.cancelled()),
            output = future => Ok(output),
        }
    }

    fn cancelled(&self) -> LibraryError {
        LibraryError::Cancelled { id: self.model_id.to_owned() }
    }
}

impl Partial {
    fn restart(&mut self) -> Result<(), LibraryError> {
        File::create(&self.path).map_err(LibraryError::io("write", &self.path))?;
        (self.length, self.hash, self.version) = (0, Hash::default(), Version::default());
        Ok(())
    }

    fn set_version(&mut self, version: Version) -> Result<(), Failure> {
        let text = serde_json::to_vec(&version).expect("a version is plain data");
        fs::write(&self.version_path, text).map_err(LibraryError::io("write", &self.version_path))?;
        self.version = version;
        Ok(())
    }
}

/// Gives the partial file of `name` its name.
pub(crate) fn put_in_place(folder: &Path, name: &str) -> Result<(), LibraryError> {
    let path = folder.join(name);
    fs::rename(partial_path(folder, name), &path).map_err(LibraryError::io("write", &path))?;
    sync_folder(folder);
    remove_partial(folder, name)
}

/// Nothing, if `bytes` more fit on the disk.
pub(crate) fn check_room(folder: &Path, bytes: u64) -> Result<(), LibraryError> {
    let needed_bytes = bytes.saturating_add(MARGIN_BYTES);
    match fs4::available_space(folder) {
        Ok(available_bytes) if available_bytes < needed_bytes => {
            Err(LibraryError::DiskFull { folder: folder.to_owned(), needed_bytes, available_bytes })
        }
        // A file system that does not tell will say so when it is full.
        Ok(_) | Err(_) => Ok(()),
    }
}

/// The error of a write, which on a full disk says so.
pub(crate) fn write_error(source: std::io::Error, folder: &Path, path: &Path, bytes: usize) -> LibraryError {
    if matches!(source.kind(), std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded) {
        let available_bytes = fs4::available_space(folder).unwrap_or(0);
        return LibraryError::DiskFull { folder: folder.to_owned(), needed_bytes: bytes as u64, available_bytes };
    }
    LibraryError::io("write", path)(source)
}

fn failure(error: reqwest::Error) -> Failure {
    match offline_host(&error) {
        Some(host) => HttpError::Offline { host }.into(),
        None => Failure::Passing(chain(&error.without_url())),
    }
}

fn header(headers: &HeaderMap, name: &str) -> Option<String> {
    Some(headers.get(name)?.to_str().ok()?.to_owned())
}

/// Start and total of `bytes 5-9/10`.
fn content_range(headers: &HeaderMap) -> Option<(u64, u64)> {
    let text = header(headers, CONTENT_RANGE.as_str())?;
    let (range, total) = text.strip_prefix("bytes ")?.split_once('/')?;
    let (start, _) = range.split_once('-')?;
    Some((start.trim().parse().ok()?, total.trim().parse().ok()?))
}
