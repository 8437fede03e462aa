//! Index files: what a start finds in them, and what happens where they cannot be used.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use resident_index::{Opened, Scheme, VectorIndex};
use resident_memory::Memory;
use resident_store::{ArchiveId, Role, Store, VectorGroup, VectorOwner, restore_file};

use crate::support::{SOON, WordEmbedder, World, said, texts};

const DIMENSION: usize = 64;

/// What happens to the bytes of a file.
type Damage = fn(Vec<u8>) -> Vec<u8>;

fn embed(world: &World) {
    world.embed_with(&WordEmbedder::new("words", DIMENSION));
    assert!(world.memory.wait_until_embedded(SOON));
}

/// Closes the profile as the program does.
fn close(world: World) -> (World, impl FnOnce(World) -> World) {
    world.memory.set_embedder(None, Arc::new(|_| {}));
    (world, |world: World| {
        let World { memory, agent, clock, folder } = world;
        drop(memory);
        let store = Store::open(folder.path(), clock.clone()).unwrap();
        let memory = Memory::new(Arc::new(store)).in_time_zone(jiff::tz::TimeZone::UTC);
        World { memory, agent, clock, folder }
    })
}

fn reopen(world: World) -> World {
    let (world, open) = close(world);
    open(world)
}

fn folder(world: &World) -> PathBuf {
    world.folder.path().join("index")
}

/// The one file of messages, or of passages.
fn file(world: &World, kind: &str) -> PathBuf {
    let files: Vec<PathBuf> = fs::read_dir(folder(world)).unwrap().map(|entry| entry.unwrap().path()).collect();
    let of_kind = |path: &&PathBuf| path.file_name().unwrap().to_str().unwrap().starts_with(kind);
    let found: Vec<&PathBuf> = files.iter().filter(of_kind).collect();
    assert_eq!(found.len(), 1, "{kind}: {files:?}");
    found[0].clone()
}

fn read(path: &Path) -> Opened {
    VectorIndex::open(path, &Scheme { embedder: "words".to_owned(), dimension: DIMENSION }).unwrap()
}

/// A world with three messages and two passages whose indexes are in files.
fn furnished() -> World {
    let world = World::new();
    world.say(Role::User, "My puppy is three years old.");
    world.say(Role::User, "Let us talk about taxes.");
    world.say(Role::User, "The physician called.");
    world.save("The automobile was repaired in spring.", &[]);
    world.save("A physician lives next door.", &[]);
    embed(&world);
    finds_by_meaning(&world);
    world
}

fn finds_by_meaning(world: &World) {
    assert_eq!(said(&world.recall("hound")), ["My puppy is three years old."]);
    assert_eq!(texts(&world.look_up("vehicle")), ["The automobile was repaired in spring."]);
}

#[test]
fn a_start_reads_the_file_and_what_has_changed_since() {
    let world = reopen(furnished());
    let before = fs::read(file(&world, "messages")).unwrap();
    embed(&world);
    finds_by_meaning(&world);
    let world = reopen(world);
    assert_eq!(fs::read(file(&world, "messages")).unwrap(), before, "nothing has changed");

    // Without an embedder, nothing follows the store.
    let taxes = world.recall("taxes").remove(0).message;
    world.memory.store().write(|w| w.set_message_deleted(&taxes.id, Some(1))).unwrap();
    let world = reopen(world);
    embed(&world);
    world.say(Role::User, "A hound barked.");
    assert!(world.memory.wait_until_embedded(SOON));
    assert_eq!(said(&world.recall("hound"))[0], "A hound barked.");
    let (world, _) = close(world);
    let index = read(&file(&world, "messages")).index;
    assert!(!index.contains(taxes.seq) && index.len() == 3, "{index:?}");
    world.memory.store().write(|w| w.set_message_deleted(&taxes.id, None)).unwrap();
    let world = reopen(world);
    embed(&world);
    world.recall("hound");
    let (world, _) = close(world);
    assert!(read(&file(&world, "messages")).index.contains(taxes.seq), "it came back from the bin");
}

#[test]
fn a_file_that_cannot_be_used_is_made_anew() {
    let damages: [(&str, Damage); 4] = [
        ("truncated", |mut bytes| {
            bytes.truncate(bytes.len() / 2);
            bytes
        }),
        ("of another version", |mut bytes| {
            bytes[8] += 1;
            bytes
        }),
        ("of another program", |_| b"something else entirely, and long enough to have a header".to_vec()),
        ("empty", |_| Vec::new()),
    ];
    for (name, damage) in damages {
        let world = reopen(furnished());
        let whole = fs::read(file(&world, "messages")).unwrap();
        for kind in ["messages", "passages"] {
            let path = file(&world, kind);
            fs::write(&path, damage(fs::read(&path).unwrap())).unwrap();
        }
        embed(&world);
        finds_by_meaning(&world);
        let world = reopen(world);
        assert_eq!(read(&file(&world, "messages")).index.len(), 3, "{name}");
        assert_eq!(fs::read(file(&world, "messages")).unwrap().len(), whole.len(), "{name}");
    }
}

#[test]
fn a_file_that_is_damaged_while_it_is_used_is_made_anew() {
    let world = reopen(furnished());
    let path = file(&world, "messages");
    embed(&world);
    // Of the last vector, the part that only searches read.
    let mut bytes = fs::read(&path).unwrap();
    let length = bytes.len();
    bytes[length - 3 * (DIMENSION + 4)..].fill(0x55);
    fs::write(&path, &bytes).unwrap();
    world.recall("hound");
    let deadline = Instant::now() + SOON;
    while said(&world.recall("hound")) != ["My puppy is three years old."] {
        assert!(Instant::now() < deadline, "it is built anew");
        std::thread::sleep(Duration::from_millis(5));
    }
    let world = reopen(world);
    embed(&world);
    finds_by_meaning(&world);
}

#[test]
fn what_was_purged_leaves_the_file_while_the_program_runs_or_at_its_end() {
    for searched in [true, false] {
        let world = furnished();
        let saved = world.save("A puppy was bought in Oslo.", &[]);
        assert!(world.memory.wait_until_embedded(SOON));
        finds_by_meaning(&world);
        let world = reopen(world);
        let group = VectorGroup::PassagesIn(ArchiveId::own_of(&world.agent));
        let keys = |world: &World| world.memory.store().read(|r| r.vector_rows(&group)).unwrap();
        let before = keys(&world);
        assert_eq!(read(&file(&world, "passages")).index.len(), 3);
        embed(&world);
        if searched {
            finds_by_meaning(&world);
        }
        world.memory.store().write(|w| w.purge_passage(&saved.id)).unwrap();
        world.memory.notify_written();
        let after = keys(&world);
        let gone = before.into_iter().find(|key| !after.contains(key)).unwrap();
        let deadline = Instant::now() + SOON;
        while !world.memory.store().read(|r| r.purged_vector_groups()).unwrap().is_empty() {
            assert!(Instant::now() < deadline, "it is removed soon");
            std::thread::sleep(Duration::from_millis(5));
        }
        let path = file(&world, "passages");
        let mut opened = read(&path);
        assert!(!opened.index.contains(gone) && opened.index.len() == 2);
        let anew = folder(&world).with_file_name("anew");
        opened.index.write_to(&anew, "words", opened.stamp).unwrap();
        assert_eq!(fs::read(&path).unwrap(), fs::read(anew).unwrap(), "nothing of it is left");
    }

    // Where no embedder is there to build an index with, the file goes.
    let world = reopen(furnished());
    let passage = world.look_up("automobile").remove(0).passage;
    world.memory.store().write(|w| w.purge_passage(&passage.id)).unwrap();
    let path = file(&world, "passages");
    drop(close(world));
    assert!(!path.exists());
}

#[test]
fn the_files_of_a_purged_agent_go_and_those_of_others_stay() {
    let world = furnished();
    let world = reopen(world);
    embed(&world);
    let purged = world.agent.clone();
    world.memory.store().write(|w| w.purge_agent(&purged)).unwrap();
    world.memory.notify_written();
    let deadline = Instant::now() + SOON;
    while fs::read_dir(folder(&world)).unwrap().count() > 0 {
        assert!(Instant::now() < deadline, "they are removed soon");
        std::thread::sleep(Duration::from_millis(5));
    }
    // What is there of groups that nobody knows is swept away at the next start; of others it is not.
    let bob = world.add_agent("Bob");
    let world = World { agent: bob, ..world };
    world.say(Role::User, "My puppy is three years old.");
    assert!(world.memory.wait_until_embedded(SOON));
    assert_eq!(said(&world.recall("hound")).len(), 1);
    let world = reopen(world);
    let kept = file(&world, "messages");
    fs::write(folder(&world).join("messages-agent-unknown.index"), "old").unwrap();
    fs::write(folder(&world).join("messages-agent-x.index.partial"), "old").unwrap();
    embed(&world);
    world.memory.set_embedder(None, Arc::new(|_| {}));
    assert_eq!(file(&world, "messages"), kept);
    assert_eq!(fs::read_dir(folder(&world)).unwrap().count(), 1);
}

#[test]
fn a_restored_profile_does_not_take_the_index_of_what_came_later() {
    let world = furnished();
    let backup = world.folder.path().join("copy.db");
    world.memory.store().back_up_to(&backup).unwrap();
    let late = world.say(Role::User, "A hound barked.");
    assert!(world.memory.wait_until_embedded(SOON));
    assert_eq!(said(&world.recall("hound"))[0], "A hound barked.");
    let (world, _) = close(world);
    let World { memory, agent, clock, folder } = world;
    drop(memory);
    restore_file(folder.path(), &backup).unwrap();
    let store = Store::open(folder.path(), clock.clone()).unwrap();
    let world = World { memory: Memory::new(Arc::new(store)), agent, clock, folder };
    // The same row now says something else.
    assert_eq!(world.say(Role::User, "The vehicle is for sale.").seq, late.seq);
    embed(&world);
    finds_by_meaning(&world);
    assert_eq!(said(&world.recall("automobile")), ["The vehicle is for sale."]);
}

#[test]
fn vectors_of_another_dimension_are_made_anew_and_the_old_ones_dropped() {
    let world = reopen(furnished());
    world.embed_with(&WordEmbedder::new("words", 2 * DIMENSION));
    assert_eq!(said(&world.recall("puppy"))[0], "My puppy is three years old.", "its words are enough meanwhile");
    assert!(world.memory.wait_until_embedded(SOON));
    finds_by_meaning(&world);
    let store = world.memory.store();
    let deadline = Instant::now() + SOON;
    while !store.read(|r| r.vectors_of_others("words")).unwrap().is_empty() {
        assert!(Instant::now() < deadline, "they are dropped");
        std::thread::sleep(Duration::from_millis(5));
    }
    let rows = store.read(|r| r.vector_rows(&VectorGroup::MessagesOf(world.agent.clone()))).unwrap();
    let vectors = store.read(|r| r.vectors_of_rows(VectorOwner::Message, "words", &rows)).unwrap();
    assert!(vectors.len() == 3 && vectors.iter().all(|(_, vector)| vector.len() == 2 * DIMENSION));
}
