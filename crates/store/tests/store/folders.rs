//! Folders, their files, and what agents have open of them.

use resident_store::{
    AgentId, ArchiveId, FileId, FileListing, Folder, FolderFile, FolderId, FolderListing, Passage, PassageFilter,
    PassageScope, StoreError,
};
use serde_json::json;

use crate::support::{NOW_MS, Profile, passage};

fn folder(name: &str) -> Folder {
    Folder {
        id: FolderId::new(),
        name: name.to_owned(),
        description: "Notes".to_owned(),
        instructions: String::new(),
        letta: json!({}),
        archive_id: ArchiveId::new(),
        created_at_ms: NOW_MS,
        updated_at_ms: NOW_MS,
        deleted_at_ms: None,
    }
}

fn add(profile: &Profile, folder: &Folder, name: &str) -> FolderFile {
    let file = FolderFile {
        id: FileId::new(),
        folder_id: folder.id.clone(),
        name: name.to_owned(),
        file_type: "text/plain".to_owned(),
        size_bytes: 5,
        letta: json!({}),
        created_at_ms: NOW_MS,
        updated_at_ms: NOW_MS,
        deleted_at_ms: None,
    };
    let chunk = Passage {
        archive_id: folder.archive_id.clone(),
        file_id: Some(file.id.clone()),
        ..passage(&AgentId::new(), "words", &[])
    };
    profile.write(|w| {
        w.insert_file(&file, "words")?;
        w.insert_passage(&chunk)
    });
    file
}

fn open(profile: &Profile, agent_id: &AgentId) -> Vec<String> {
    let views = profile.read(|r| r.files_of(agent_id));
    views.into_iter().filter(|view| view.open).map(|view| view.path()).collect()
}

fn found(profile: &Profile, agent_id: &AgentId) -> usize {
    let filter = PassageFilter::of(PassageScope::FilesOf(agent_id.clone()));
    profile.read(|r| r.search_passages_text(&filter, "words", [1.0; 3], 10)).len()
}

#[test]
fn an_agent_sees_the_files_of_its_folders_and_opens_them_for_itself() {
    let mut profile = Profile::new();
    let (ada, bob) = (profile.agent("Ada"), profile.agent("Bob"));
    let (notes, plans) = (folder("notes"), folder("plans"));
    profile.write(|w| w.insert_folder(&notes).and_then(|()| w.insert_folder(&plans)));
    let files = ["a.md", "b.md", "c.md"].map(|name| add(&profile, &notes, name));
    add(&profile, &plans, "a.md");
    profile.write(|w| {
        w.attach_folder(&ada, &notes.id)?;
        w.attach_folder(&ada, &notes.id)?;
        w.attach_folder(&bob, &notes.id)
    });
    for (file, at_ms) in files.iter().zip(NOW_MS..) {
        profile.write(|w| w.open_file(&ada, &file.id, (2, Some(4)), at_ms));
    }
    profile.reopen().unwrap();
    assert_eq!(open(&profile, &ada), ["notes/a.md", "notes/b.md", "notes/c.md"]);
    let view = profile.read(|r| r.files_of(&ada)).remove(0);
    assert_eq!((view.first_line, view.lines, view.accessed_at_ms), (2, Some(4), Some(NOW_MS)));
    assert_eq!(open(&profile, &bob), [""; 0], "each agent opens for itself");
    assert_eq!(profile.write(|w| w.close_files_but(&ada, 2)), [files[0].id.clone()], "the one opened longest ago");
    profile.write(|w| w.close_file(&ada, &files[1].id));
    assert_eq!(open(&profile, &ada), ["notes/c.md"]);
    assert_eq!((found(&profile, &ada), found(&profile, &bob)), (3, 3));

    profile.write(|w| w.detach_folder(&ada, &notes.id));
    assert_eq!((profile.read(|r| r.files_of(&ada)).len(), found(&profile, &ada)), (0, 0));
    profile.write(|w| w.attach_folder(&ada, &notes.id));
    assert_eq!(open(&profile, &ada), [""; 0], "what was detached is closed");
    assert_eq!(profile.read(|r| r.count_passages(&ada)), 0, "files are no archival memory");
}

#[test]
fn files_and_folders_go_to_the_bin_with_their_text() {
    let profile = Profile::new();
    let ada = profile.agent("Ada");
    let notes = folder("notes");
    profile.write(|w| w.insert_folder(&notes));
    let (first, second) = (add(&profile, &notes, "a.md"), add(&profile, &notes, "b.md"));
    profile.write(|w| w.attach_folder(&ada, &notes.id));
    profile.write(|w| w.delete_file(&first.id, NOW_MS));
    let listed = || {
        let listing = FileListing { folder_id: Some(notes.id.clone()), ..FileListing::default() };
        profile.read(|r| r.list_files(&listing))
    };
    assert_eq!((listed(), found(&profile, &ada)), (vec![second.clone()], 1));
    profile.write(|w| w.set_folder_deleted(&notes.id, Some(NOW_MS + 1)));
    assert_eq!((listed().len(), found(&profile, &ada)), (0, 0));
    let again = folder("notes");
    profile.write(|w| w.insert_folder(&again));
    let back = profile.store().write(|w| w.set_folder_deleted(&notes.id, None));
    assert!(matches!(back, Err(StoreError::Duplicate { .. })), "{back:?}");
    profile.write(|w| w.set_folder_deleted(&again.id, Some(NOW_MS + 2)));
    profile.write(|w| w.set_folder_deleted(&notes.id, None));
    assert_eq!((listed(), found(&profile, &ada)), (vec![second.clone()], 1), "but for what was deleted before");
    assert_eq!(profile.read(|r| r.file_text(&second.id)).as_deref(), Some("words"));
}

#[test]
fn names_are_unique_where_they_are_looked_for() {
    let profile = Profile::new();
    let mut notes = folder("notes");
    profile.write(|w| w.insert_folder(&notes));
    let refused = profile.store().write(|w| w.insert_folder(&folder("notes")));
    assert!(matches!(refused, Err(StoreError::Duplicate { .. })), "{refused:?}");
    let file = add(&profile, &notes, "a.md");
    let twice = FolderFile { id: FileId::new(), ..file };
    let refused = profile.store().write(|w| w.insert_file(&twice, ""));
    assert!(matches!(refused, Err(StoreError::Duplicate { .. })), "{refused:?}");
    notes.instructions = "Read first.".to_owned();
    profile.write(|w| w.update_folder(&notes));
    let named = FolderListing { name: Some("notes".to_owned()), ..FolderListing::default() };
    assert_eq!(profile.read(|r| r.list_folders(&named)), [notes]);
}
