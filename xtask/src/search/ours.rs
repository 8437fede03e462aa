//! Resident's index under measurement.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use resident_index::{Scheme, VectorIndex};

use crate::report::Built;
use crate::vectors::{DIMENSION, Vectors};
use crate::{SearchError, at};

/// What this program is called with to be such a process.
pub(crate) const OPENED_ALONE: &str = "--opened-alone";

/// Times that the file is opened.
const OPENED: usize = 7;

/// The index, kept in a file as the product keeps it.
pub(crate) struct Ours {
    index: VectorIndex,
    path: PathBuf,
    /// What building it took.
    pub(crate) built: Built,
}

impl Ours {
    /// Inserts every vector and writes the file; then the index is opened from it, as at the start of the product.
    pub(crate) fn build(vectors: &Vectors, path: &Path) -> Result<Self, SearchError> {
        let begun = Instant::now();
        let mut index = VectorIndex::new(DIMENSION);
        index.reserve(vectors.stored.len() / DIMENSION);
        for (vector, key) in vectors.stored.chunks_exact(DIMENSION).zip(0..) {
            index.insert(key, vector)?;
        }
        index.write_to(path, &scheme().embedder, 1)?;
        let seconds = begun.elapsed().as_secs_f64();
        drop(index);
        let index = VectorIndex::open(path, &scheme())?.index;
        let memory_mib = memory_of_opened(path);
        let disk_mib = fs::metadata(path).map_err(at("read", path))?.len() as f64 / f64::from(1 << 20);
        Ok(Self { index, path: path.to_owned(), built: Built { seconds, memory_mib, disk_mib } })
    }

    /// The milliseconds that a question takes, and what is found.
    pub(crate) fn search(&self, question: &[f32], nearest: usize) -> Result<(f64, Vec<i64>), SearchError> {
        let begun = Instant::now();
        let hits = self.index.search(question, nearest, &|_| true)?;
        let ms = begun.elapsed().as_secs_f64() * 1e3;
        Ok((ms, hits.iter().map(|hit| hit.key).collect()))
    }

    /// The median of the milliseconds that opening takes.
    pub(crate) fn open(&mut self) -> Result<f64, SearchError> {
        self.index = VectorIndex::new(DIMENSION);
        let mut times = Vec::new();
        for _ in 0..OPENED {
            let begun = Instant::now();
            let opened = VectorIndex::open(&self.path, &scheme())?;
            times.push(begun.elapsed().as_secs_f64() * 1e3);
            drop(opened);
        }
        times.sort_by(f64::total_cmp);
        Ok(times[OPENED / 2])
    }

    /// The instructions that it uses.
    pub(crate) fn kernel(&self) -> &'static str {
        self.index.kernel()
    }
}

fn scheme() -> Scheme {
    Scheme { embedder: "bench".to_owned(), dimension: DIMENSION }
}

/// What an index that was opened takes, in a process where nothing else was before.
fn memory_of_opened(path: &Path) -> Option<f64> {
    let output = Command::new(std::env::current_exe().ok()?).args([OPENED_ALONE.as_ref(), path.as_os_str()]).output();
    String::from_utf8(output.ok()?.stdout).ok()?.trim().parse().ok()
}

/// Prints what an index takes that was opened from `path` and has answered once.
pub(crate) fn print_memory_of_opened(path: &Path) -> Result<(), SearchError> {
    let before = memory_mib();
    let index = VectorIndex::open(path, &scheme())?.index;
    index.search(&[1.0; DIMENSION], 1, &|_| true)?;
    if let Some((after, before)) = memory_mib().zip(before) {
        println!("{}", after - before);
    }
    Ok(())
}

/// Memory of this process that is not a file's, where the system tells it in a file.
fn memory_mib() -> Option<f64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("RssAnon:"))?;
    let kib: f64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kib / 1024.0)
}
