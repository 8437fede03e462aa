//! Vectors: what still wants one, and whose are given out.

use resident_store::{ArchiveId, Provenance, Role, StoreError, StoredVector, VectorGroup, VectorOwner};

use crate::support::{Profile, passage};

fn wanted(profile: &Profile, embedder: &str) -> Vec<String> {
    let found = profile.read(|r| r.unembedded(embedder, 10));
    assert_eq!(profile.read(|r| r.count_unembedded(embedder)), found.len());
    found.into_iter().map(|unembedded| unembedded.text).collect()
}

/// The vectors that a new index of the group would have, by row.
fn vectors_of(profile: &Profile, group: &VectorGroup, embedder: &str) -> Vec<(i64, Vec<f32>)> {
    let mut changes = profile.read(|r| r.vector_changes(group, embedder, 0, usize::MAX));
    changes.vectors.sort_by_key(|(row, _)| *row);
    changes.vectors
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
    let vectors = vectors_of(&profile, &VectorGroup::MessagesOf(ada.clone()), "mini");
    assert_eq!(vectors.iter().map(|(_, vector)| vector.clone()).collect::<Vec<_>>(), [[5.0, -0.5], [8.0, -0.5]]);
    assert_eq!(vectors_of(&profile, &VectorGroup::PassagesIn(ArchiveId::own_of(&ada)), "mini").len(), 1);
    assert_eq!(vectors_of(&profile, &VectorGroup::PassagesIn(ArchiveId::own_of(&ada)), "other"), []);
}

#[test]
fn the_bin_keeps_vectors_and_gives_none_out() {
    let profile = Profile::new();
    let ada = profile.agent("Ada");
    let said = profile.say(&ada, Role::User, "hello");
    let vectors = || vectors_of(&profile, &VectorGroup::MessagesOf(ada.clone()), "mini").len();
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

    let old = profile.read(|r| r.vectors_of_others("new"));
    assert!(profile.store().write(|w| w.forget_embedders_except("new")).is_err(), "its vectors are still there");
    profile.write(|w| w.drop_vectors_of_others("new", &old));
    assert_eq!(wanted(&profile, "old"), ["hello"], "it may come back before it is forgotten");
    profile.write(|w| w.forget_embedders_except("new"));
    let left = |embedder| vectors_of(&profile, &VectorGroup::MessagesOf(ada.clone()), embedder).len();
    assert_eq!((left("old"), left("new")), (0, 1));
    assert_eq!(wanted(&profile, "old"), ["hello"]);
}

/// What a follower has of a group, brought up to date by changes alone.
#[derive(Default)]
struct Follower {
    vectors: std::collections::BTreeMap<i64, Vec<f32>>,
    number: i64,
}

impl Follower {
    /// Takes what has changed, looking at `most` numbers at a time.
    fn follow(&mut self, profile: &Profile, group: &VectorGroup, most: usize) {
        loop {
            let changes = profile.read(|r| r.vector_changes(group, "mini", self.number, most));
            if changes.all_went {
                self.vectors.clear();
            }
            for row in changes.removed {
                self.vectors.remove(&row);
            }
            self.vectors.extend(changes.vectors);
            self.number = changes.up_to;
            if changes.complete {
                return;
            }
        }
    }
}

#[test]
fn following_the_changes_gives_what_reading_all_does() {
    let profile = Profile::new();
    let (ada, bob) = (profile.agent("Ada"), profile.agent("Bob"));
    let archive = ArchiveId::own_of(&ada);
    let (messages, passages) = (VectorGroup::MessagesOf(ada.clone()), VectorGroup::PassagesIn(archive.clone()));
    let mut followers = [(messages, Follower::default()), (passages, Follower::default())];
    let mut said = Vec::new();
    let mut saved = Vec::new();
    for step in 0..120_i64 {
        match step * 7 % 11 {
            0..=3 => said.push(profile.say(&ada, Role::User, &format!("said {step}"))),
            4 | 5 => {
                let new = passage(&ada, &format!("fact {step}"), &[]);
                profile.write(|w| w.insert_passage(&new));
                saved.push(new);
            }
            6 => drop(profile.say(&bob, Role::User, "of no concern")),
            7 if !said.is_empty() => {
                let message = &said[usize::try_from(step).unwrap() % said.len()];
                let at_ms = (step % 3 > 0).then_some(step);
                profile.write(|w| w.set_message_deleted(&message.id, at_ms));
            }
            8 if !saved.is_empty() => {
                let (at, id) = (step, saved[usize::try_from(step).unwrap() % saved.len()].id.clone());
                profile.write(|w| match at % 4 {
                    0 => w.update_passage(&id, &format!("anew {at}"), &[], &Provenance::user("edit"), at).map(drop),
                    1 | 2 => w.set_passage_deleted(&id, (at % 4 == 1).then_some(at)),
                    _ => w.purge_passage(&id),
                });
                if at % 4 == 3 {
                    saved.retain(|passage| passage.id != id);
                }
            }
            9 if step > 60 => {
                let from = said[said.len() - 2].seq;
                profile.write(|w| w.delete_messages_from(&ada, from, step));
            }
            _ => embed_all(&profile, "mini"),
        }
        let rows = followers.each_ref().map(|(group, _)| profile.read(|r| r.vector_rows(group)).len());
        let counted = [profile.read(|r| r.count_messages(&ada)), profile.read(|r| r.count_passages(&ada))];
        assert_eq!(rows, counted, "after step {step}: all of them are spoken, and counted");
        for (group, follower) in &mut followers {
            if step % 5 == 0 {
                follower.follow(&profile, group, usize::try_from(step % 4).unwrap() + 1);
                let all: Vec<(i64, Vec<f32>)> = follower.vectors.clone().into_iter().collect();
                assert_eq!(all, vectors_of(&profile, group, "mini"), "after step {step}");
                let mut rows = profile.read(|r| r.vector_rows(group));
                rows.sort_unstable();
                let mut embedded = profile.read(|r| r.vectors_of_rows(group.owner(), "mini", &rows));
                embedded.sort_by_key(|(row, _)| *row);
                assert_eq!(all, embedded, "after step {step}: what is built anew");
            }
        }
    }
    profile.write(|w| w.set_archive_deleted(&archive, Some(1)));
    let (group, follower) = &mut followers[1];
    assert!(!follower.vectors.is_empty());
    follower.follow(&profile, group, 100);
    assert!(follower.vectors.is_empty(), "a whole archive went to the bin");
    profile.write(|w| w.purge_agent(&ada));
    let changes = profile.read(|r| r.vector_changes(&followers[0].0, "mini", followers[0].1.number, 100));
    assert!(changes.all_went);
}

#[test]
fn what_was_purged_is_remembered_until_it_is_gone_elsewhere() {
    let profile = Profile::new();
    let ada = profile.agent("Ada");
    let archive = VectorGroup::PassagesIn(ArchiveId::own_of(&ada));
    let saved = passage(&ada, "one", &[]);
    profile.write(|w| w.insert_passage(&saved));
    embed_all(&profile, "mini");
    profile.write(|w| w.set_passage_deleted(&saved.id, Some(1)));
    assert_eq!(profile.read(|r| r.purged_vector_groups()), [], "the bin is not for good");
    let before = profile.read(|r| r.vector_number());
    profile.write(|w| w.purge_passage(&saved.id));
    assert_eq!(profile.read(|r| r.purged_vector_groups()), [(archive.clone(), true)]);
    profile.write(|w| w.forget_purged_vectors(&archive, before));
    assert_eq!(profile.read(|r| r.purged_vector_groups()).len(), 1, "a file of before has it still");
    let after = profile.read(|r| r.vector_number());
    profile.write(|w| w.forget_purged_vectors(&archive, after));
    assert_eq!(profile.read(|r| r.purged_vector_groups()), []);
    profile.write(|w| w.purge_agent(&ada));
    let purged = profile.read(|r| r.purged_vector_groups());
    assert!(purged.len() == 2 && purged.iter().all(|(_, is_there)| !is_there), "{purged:?}");
}

#[test]
fn a_stamp_of_a_future_that_was_given_up_is_not_known() {
    let mut profile = Profile::new();
    let ada = profile.agent("Ada");
    let say_and_embed = |profile: &Profile| {
        profile.say(&ada, Role::User, "hello");
        embed_all(profile, "mini");
    };
    let stamp = |profile: &Profile| {
        let number = profile.read(|r| r.vector_number());
        (number, profile.read(|r| r.vector_stamp(number)))
    };
    say_and_embed(&profile);
    let (number, early) = stamp(&profile);
    profile.reopen().unwrap();
    assert_eq!(profile.read(|r| r.vector_number_of(early)), Some(number), "opening again changes nothing");
    let copy = profile.folder.path().join("copy.db");
    profile.store().back_up_to(&copy).unwrap();
    say_and_embed(&profile);
    say_and_embed(&profile);
    let (_, late) = stamp(&profile);
    profile.store = None;
    resident_store::restore_file(profile.folder.path(), &copy).unwrap();
    profile.reopen().unwrap();
    assert_eq!(profile.read(|r| r.vector_number_of(late)), None, "it lies in the future");
    for _ in 0..3 {
        say_and_embed(&profile);
        assert_eq!(profile.read(|r| r.vector_number_of(late)), None, "another past");
    }
    assert_eq!(profile.read(|r| r.vector_number_of(early)), Some(number), "what both have in common");
    let (number, now) = stamp(&profile);
    assert_eq!(profile.read(|r| r.vector_number_of(now)), Some(number));
}

#[test]
fn an_embedder_of_another_dimension_begins_anew_beside_the_old_vectors() {
    let profile = Profile::new();
    let ada = profile.agent("Ada");
    profile.say(&ada, Role::User, "hello");
    embed_all(&profile, "mini");
    assert!(!profile.write(|w| w.set_embedder_dimension("mini", 2)), "it is as it was");
    for dimension in [3, 4] {
        assert!(profile.write(|w| w.set_embedder_dimension("mini", dimension)));
        assert_eq!(wanted(&profile, "mini"), ["hello"]);
        let one = profile.read(|r| r.unembedded("mini", 1)).remove(0);
        let vector = StoredVector { owner: one.owner, key: one.key, vector: vec![0.5; dimension] };
        profile.write(|w| w.put_vectors("mini", &[vector]));
        assert_eq!(wanted(&profile, "mini"), [""; 0]);
    }
    assert_eq!(profile.read(|r| r.vectors_of_others("mini")).len(), 2);
}
