//! Background embedding, and what it changes about searching.

use std::{
    sync::{Arc, Mutex, atomic::Ordering},
    time::{Duration, Instant},
};

use resident_memory::{EmbedError, Embedder, Memory, archival};
use resident_store::{Role, Store};

use crate::support::{SOON, WordEmbedder, World, reasons, said, texts};

#[test]
fn a_memory_is_found_by_words_at_once_and_by_meaning_once_embedded() {
    let world = World::new();
    world.say(Role::User, "My puppy is three years old.");
    world.say(Role::User, "Let us talk about taxes.");
    world.save("The automobile was repaired in spring.", &[]);
    assert_eq!(said(&world.recall("puppy"))[0], "My puppy is three years old.");
    assert!(world.recall("hound").is_empty());
    assert!(world.look_up("vehicle").is_empty());

    world.embed_with(&WordEmbedder::new("words", 256));
    assert!(world.memory.wait_until_embedded(SOON));
    let hits = world.recall("hound");
    assert_eq!(said(&hits), ["My puppy is three years old."], "and nothing that is merely less unlike");
    assert!(reasons(&hits[0].reasons)[0].starts_with("similar in meaning ("), "{:?}", hits[0].reasons);
    assert_eq!(texts(&world.look_up("vehicle")), ["The automobile was repaired in spring."]);

    world.say(Role::User, "The physician called.");
    world.save("A physician lives next door.", &[]);
    assert!(world.memory.wait_until_embedded(SOON));
    assert_eq!(said(&world.recall("doctor")), ["The physician called."], "the loaded index is kept up to date");
    assert_eq!(texts(&world.look_up("doctor")), ["A physician lives next door."]);
    assert!(world.recall("xylophone").is_empty(), "unrelated things are not found by meaning");
}

#[test]
fn embedding_gives_way_to_turns_and_goes_on_after_them() {
    let world = World::new();
    let running = world.memory.begin_turn();
    world.embed_with(&WordEmbedder::new("words", 64));
    world.say(Role::User, "My puppy is three years old.");
    assert!(!world.memory.wait_until_embedded(Duration::from_millis(300)), "the turn comes first");
    assert_eq!(said(&world.recall("puppy"))[0], "My puppy is three years old.", "its words are enough meanwhile");
    drop(running);
    assert!(world.memory.wait_until_embedded(SOON));
    assert_eq!(said(&world.recall("hound"))[0], "My puppy is three years old.");
}

#[test]
fn narrow_searches_by_meaning_look_past_what_they_leave_out() {
    let world = World::new();
    world.say(Role::Assistant, "hound");
    for _ in 0..300 {
        world.say(Role::User, "puppy");
    }
    world.embed_with(&WordEmbedder::new("words", 64));
    assert!(world.memory.wait_until_embedded(SOON));
    let query = resident_memory::RecallQuery {
        text: "dog".to_owned(),
        roles: vec![Role::Assistant],
        limit: 3,
        ..resident_memory::RecallQuery::default()
    };
    assert_eq!(said(&world.memory.search_messages(&world.agent, &query).unwrap()), ["hound"]);
}

#[test]
fn an_edited_or_deleted_passage_is_not_found_by_its_old_meaning() {
    let world = World::new();
    let car = world.save("automobile", &[]);
    let dog = world.save("puppy", &[]);
    world.embed_with(&WordEmbedder::new("words", 256));
    assert!(world.memory.wait_until_embedded(SOON));
    assert_eq!(texts(&world.look_up("vehicle")), ["automobile"]);
    world.edit(|w, edit| archival::edit(w, edit, &car.id, Some("physician"), None)).unwrap();
    world.edit(|w, edit| archival::delete(w, edit, std::slice::from_ref(&dog.id))).unwrap();
    assert!(world.memory.wait_until_embedded(SOON));
    assert!(world.look_up("vehicle").is_empty());
    assert!(world.look_up("hound").is_empty());
    assert_eq!(texts(&world.look_up("doctor")), ["physician"]);
}

#[test]
fn another_embedder_embeds_anew_while_search_goes_on() {
    let world = World::new();
    for n in 0..100 {
        world.say(Role::User, &format!("remark number {n} about a puppy"));
    }
    world.embed_with(&WordEmbedder::new("first", 64));
    assert!(world.memory.wait_until_embedded(SOON));
    assert!(!world.recall("hound").is_empty());

    let second = WordEmbedder::new("second", 128);
    let progress = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&progress);
    second.down.store(true, Ordering::SeqCst);
    world.memory.set_embedder(Some(second.clone()), Arc::new(move |left| heard.lock().unwrap().push(left)));
    assert_eq!(world.memory.embedder().unwrap().id(), "second");
    assert_eq!(world.memory.count_unembedded().unwrap(), 100);
    assert!(said(&world.recall("remark number 42"))[0].contains("42"), "words do while the embedder is down");
    assert!(!world.memory.wait_until_embedded(Duration::from_millis(50)));

    second.down.store(false, Ordering::SeqCst);
    assert!(world.memory.wait_until_embedded(SOON), "it is tried again");
    assert!(!world.recall("hound").is_empty());
    let progress = progress.lock().unwrap().clone();
    assert!(progress.windows(2).all(|pair| pair[0] >= pair[1]), "{progress:?}");
    assert!(progress.contains(&68), "batches of 32: {progress:?}");

    world.memory.set_embedder(None, Arc::new(|_| {}));
    assert!(world.memory.embedder().is_none());
    assert!(world.recall("hound").is_empty());
}

#[test]
fn what_is_embedded_stays_so_across_a_restart() {
    let world = World::new();
    for n in 0..40 {
        world.say(Role::User, &format!("puppy {n}"));
    }
    world.embed_with(&WordEmbedder::new("words", 64));
    assert!(world.memory.wait_until_embedded(SOON));
    let World { memory, agent, clock, folder } = world;
    drop(memory);
    let memory = Memory::new(Arc::new(Store::open(folder.path(), clock.clone()).unwrap()));
    let world = World { memory, agent, clock, folder };
    let embedder = WordEmbedder::new("words", 64);
    world.embed_with(&embedder);
    assert!(world.memory.wait_until_embedded(SOON));
    assert_eq!(embedder.calls.load(Ordering::SeqCst), 0, "nothing is embedded twice");
    assert!(!world.recall("hound").is_empty());
}

#[test]
fn one_text_that_is_refused_does_not_hold_up_the_others() {
    let world = World::new();
    world.say(Role::User, "my puppy");
    world.say(Role::User, "poisonous text");
    world.say(Role::User, "my automobile");
    world.embed_with(&WordEmbedder::refusing("poisonous"));
    let deadline = Instant::now() + SOON;
    while world.memory.count_unembedded().unwrap() > 1 {
        assert!(Instant::now() < deadline, "the other two are embedded");
        std::thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(said(&world.recall("poisonous"))[0], "poisonous text", "by its words");
    world.say(Role::User, "a physician");
    while world.memory.count_unembedded().unwrap() > 1 {
        assert!(Instant::now() < deadline, "so is what comes later");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Takes a minute for anything.
struct Sluggish;

impl Embedder for Sluggish {
    fn id(&self) -> &str {
        "sluggish"
    }

    fn dimension(&self) -> usize {
        4
    }

    fn embed(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>, EmbedError> {
        std::thread::sleep(Duration::from_secs(60));
        Ok(vec![vec![1.0; 4]; texts.len()])
    }
}

#[test]
fn writes_and_closing_do_not_wait_for_a_slow_embedder() {
    let world = World::new();
    world.say(Role::User, "first");
    world.memory.set_embedder(Some(Arc::new(Sluggish)), Arc::new(|_| {}));
    std::thread::sleep(Duration::from_millis(50));
    let begun = Instant::now();
    world.say(Role::User, "second");
    let World { memory, clock, folder, .. } = world;
    drop(memory);
    Store::open(folder.path(), clock).expect("the profile is free again");
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
}

/// Makes vectors that compare with nothing: of zeros, or with a NaN in them.
struct Senseless(f32);

impl Embedder for Senseless {
    fn id(&self) -> &str {
        "senseless"
    }

    fn dimension(&self) -> usize {
        4
    }

    fn embed(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>, EmbedError> {
        Ok(vec![vec![0.0, self.0, 0.0, 0.0]; texts.len()])
    }
}

#[test]
fn vectors_of_zeros_or_with_a_nan_leave_the_search_by_words() {
    for component in [0.0, f32::NAN, f32::INFINITY] {
        let world = World::new();
        world.say(Role::User, "My puppy is three years old.");
        world.save("The automobile was repaired.", &[]);
        world.memory.set_embedder(Some(Arc::new(Senseless(component))), Arc::new(|_| {}));
        // Vectors that are not finite are never stored, so that this may not come true.
        world.memory.wait_until_embedded(Duration::from_millis(200));
        let hits = world.recall("puppy");
        assert_eq!(said(&hits), ["My puppy is three years old."], "{component}");
        assert!(hits[0].score.is_finite());
        assert_eq!(texts(&world.look_up("automobile")), ["The automobile was repaired."], "{component}");
    }
}

#[test]
fn a_stored_vector_of_another_length_is_made_anew() {
    let world = World::new();
    let message = world.say(Role::User, "My puppy is three years old.");
    let vector = resident_store::StoredVector {
        owner: resident_store::VectorOwner::Message,
        key: message.seq,
        vector: vec![1.0; 7],
    };
    world.memory.store().write(|w| w.put_vectors("words", &[vector])).unwrap();
    world.embed_with(&WordEmbedder::new("words", 64));
    assert_eq!(said(&world.recall("puppy")), ["My puppy is three years old."]);
    assert!(world.memory.wait_until_embedded(SOON));
    assert_eq!(said(&world.recall("hound")), ["My puppy is three years old."]);
}
