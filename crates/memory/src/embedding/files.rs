//! The files of indexes: one for each agent's messages and each archive's passages, in the folder `index` of the profile.
//! They are derived data: no backup has them, and one that is missing is made anew.

use std::{
    collections::HashSet,
    fs, io,
    path::{Path, PathBuf},
};

use resident_store::{Store, VectorGroup};

use crate::MemoryError;

/// Where the files of the indexes of a profile are.
pub(crate) fn folder(store: &Store) -> PathBuf {
    store.folder().join("index")
}

/// The file of a group.
pub(super) fn path(folder: &Path, group: &VectorGroup) -> PathBuf {
    folder.join(name(group))
}

fn name(group: &VectorGroup) -> String {
    let kind = match group {
        VectorGroup::MessagesOf(_) => "messages",
        VectorGroup::PassagesIn(_) => "passages",
    };
    let mut name = format!("{kind}-");
    for byte in group.id().bytes() {
        // Not every folder tells capitals from small letters, and ids of other programs may hold anything.
        match byte {
            b'a'..=b'z' | b'0'..=b'9' | b'-' => name.push(char::from(byte)),
            _ => name.push_str(&format!("_{byte:02x}")),
        }
    }
    name + ".index"
}

/// Removes the file of a group, where there is one.
///
/// # Errors
/// When it is there and cannot be removed.
pub(super) fn remove(folder: &Path, group: &VectorGroup) -> io::Result<()> {
    match fs::remove_file(path(folder, group)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Removes files of groups that are not there any more, and what is left of writing that was cut short.
pub(super) fn sweep(folder: &Path, groups: &[VectorGroup]) {
    let known: HashSet<String> = groups.iter().map(name).collect();
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let unknown = entry.file_name().to_str().is_none_or(|name| !known.contains(name));
        if unknown && let Err(error) = fs::remove_file(entry.path()) {
            tracing::warn!(path = %entry.path().display(), %error, "an index file without use could not be removed");
        }
    }
}

/// Removes the files that may still hold vectors of what was purged. They are made anew when they are wanted.
///
/// # Errors
/// When the store cannot be read or written.
pub(crate) fn remove_purged(store: &Store, folder: &Path) -> Result<(), MemoryError> {
    let (number, purged) = store.read(|r| Ok::<_, MemoryError>((r.vector_number()?, r.purged_vector_groups()?)))?;
    for (group, _) in purged {
        match remove(folder, &group) {
            Ok(()) => store.write(|w| w.forget_purged_vectors(&group, number))?,
            Err(error) => tracing::warn!(group = group.id(), %error, "an index file could not be removed"),
        }
    }
    Ok(())
}
