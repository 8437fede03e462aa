//! Vectors: what still wants one, and whose are given out.

use resident_store::{ArchiveId, Provenance, Role, StoreError, StoredVector, VectorGroup, VectorOwner};

use crate::support::{Profile, passage};

fn wanted(profile: &Profile, embedder: &str) -> Vec<String> {
    let found = profile.read(|r| r.unembedded(embedder, 10));
    assert_eq!(profile.read(|r| r.count_unembedded(embedder)), found.len());
    found.into_iter().map(|unembedded| unembedded.text).collect()
}

fn embed_all(profile: &Profile, embedder: &str) {
    let vectors: Vec<StoredVector> = profile
        .read(|r| r.unembedded(embedder, 100))
        .into_iter()
        .map(|u| StoredVector { owner: u.owner, key: u.key, vector: vec![u.text.len() as f32, -0.5] })
        .collect();
    profile.write(|w| w.put_vectors(embedder, &vectors));
}

#[test]
fn spoken_messages_and_passages_want_vectors_until_they_have_them() {
    let mut profile = Profile::new();
    let ada = profile.agent("Ada");
    for (role, text) in [
        (Role::User, "hello"),
        (Role::Assistant, "hi there"),
        (Role::Assistant, ""),
        (Role::Tool, "result"),
        (Role::System, "alert"),
    ] {
        profile.say(&ada, role, text);
    }
    profile.write(|w| w.insert_passage(&passage(&ada, "a fact", &[])));
    assert_eq!(wanted(&profile, "mini"), ["a fact", "hi there", "hello"]);
    assert_eq!(profile.read(|r| r.unembedded("mini", 2)).len(), 2);
    embed_all(&profile, "mini");
    assert_eq!(wanted(&profile, "mini"), [""; 0]);
    assert_eq!(wanted(&profile, "other").len(), 3, "another embedder starts anew");

    profile.reopen().unwrap();
    let vectors = profile.read(|r| r.vectors_of(&VectorGroup::MessagesOf(ada.clone()), "mini"));
    assert_eq!(vectors.iter().map(|(_, vector)| vector.clone()).collect::<Vec<_>>(), [[5.0, -0.5], [8.0, -0.5]]);
    assert_eq!(profile.read(|r| r.vectors_of(&VectorGroup::PassagesIn(ArchiveId::own_of(&ada)), "mini")).len(), 1);
    assert_eq!(profile.read(|r| r.vectors_of(&VectorGroup::PassagesIn(ArchiveId::own_of(&ada)), "other")), []);
}

#[test]
fn the_bin_keeps_vectors_and_gives_none_out() {
    let profile = Profile::new();
    let ada = profile.agent("Ada");
    let said = profile.say(&ada, Role::User, "hello");
    let vectors = || profile.read(|r| r.vectors_of(&VectorGroup::MessagesOf(ada.clone()), "mini")).len();
    embed_all(&profile, "mini");
    profile.write(|w| w.set_message_deleted(&said.id, Some(1)));
    assert_eq!((vectors(), wanted(&profile, "mini").len()), (0, 0));
    profile.write(|w| w.set_message_deleted(&said.id, None));
    assert_eq!((vectors(), wanted(&profile, "mini").len()), (1, 0));
}

#[test]
fn a_new_text_drops_the_vector_of_the_old_one() {
    let profile = Profile::new();
    let ada = profile.agent("Ada");
    let saved = passage(&ada, "one", &[]);
    let row = profile.write(|w| w.insert_passage(&saved));
    embed_all(&profile, "mini");
    let edit = Provenance::user("edit");
    profile.write(|w| w.update_passage(&saved.id, "one", &["tag".to_owned()], &edit, 1));
    assert_eq!(wanted(&profile, "mini"), [""; 0], "tags are not embedded");
    profile.write(|w| w.update_passage(&saved.id, "two", &[], &edit, 1));
    assert_eq!(wanted(&profile, "mini"), ["two"]);

    // A vector that arrives for a passage purged meanwhile is no error.
    profile.write(|w| w.purge_passage(&saved.id));
    let late = StoredVector { owner: VectorOwner::Passage, key: row, vector: vec![0.0, 0.0] };
    profile.write(|w| w.put_vectors("mini", &[late]));
    assert_eq!(profile.read(|r| r.count_passages(&ada)), 0);
}

#[test]
fn what_comes_back_from_the_bin_without_a_vector_wants_one() {
    let profile = Profile::new();
    let ada = profile.agent("Ada");
    let (first, saved) = (profile.say(&ada, Role::User, "first"), passage(&ada, "fact", &[]));
    profile.write(|w| w.insert_passage(&saved));
    profile.say(&ada, Role::User, "second");
    let bin = |at_ms| {
        profile.write(|w| {
            w.set_message_deleted(&first.id, at_ms)?;
            w.set_passage_deleted(&saved.id, at_ms)
        });
    };
    bin(Some(1));
    embed_all(&profile, "mini");
    assert_eq!(wanted(&profile, "mini"), [""; 0]);
    bin(None);
    assert_eq!(wanted(&profile, "mini"), ["fact", "first"]);
    embed_all(&profile, "mini");
    assert_eq!(wanted(&profile, "mini"), [""; 0]);
}

#[test]
fn vectors_of_a_part_leave_the_rest_wanted() {
    let profile = Profile::new();
    let ada = profile.agent("Ada");
    for n in 0..5 {
        profile.say(&ada, Role::User, &n.to_string());
    }
    for left in (0..5).rev() {
        let newest = profile.read(|r| r.unembedded("mini", 1)).remove(0);
        let vector = StoredVector { owner: newest.owner, key: newest.key, vector: vec![1.0] };
        profile.write(|w| w.put_vectors("mini", &[vector]));
        assert_eq!(wanted(&profile, "mini").len(), left);
    }
    profile.say(&ada, Role::User, "new");
    assert_eq!(wanted(&profile, "mini"), ["new"]);
}

#[test]
fn vectors_of_another_length_are_refused_and_old_embedders_dropped() {
    let profile = Profile::new();
    let ada = profile.agent("Ada");
    let said = profile.say(&ada, Role::User, "hello");
    embed_all(&profile, "old");
    embed_all(&profile, "new");
    let long = StoredVector { owner: VectorOwner::Message, key: said.seq, vector: vec![0.0; 3] };
    let refused = profile.store().write(|w| w.put_vectors("new", &[long]));
    assert!(matches!(refused, Err(StoreError::WrongDimension { expected: 2, found: 3, .. })), "{refused:?}");

    profile.write(|w| w.drop_vectors_except("new"));
    let left = |embedder| profile.read(|r| r.vectors_of(&VectorGroup::MessagesOf(ada.clone()), embedder)).len();
    assert_eq!((left("old"), left("new")), (0, 1));
    assert_eq!(wanted(&profile, "old"), ["hello"]);
}
