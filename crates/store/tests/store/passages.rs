//! Passages: filters, tags, validity, revisions, the bin.

use resident_store::{AgentId, Passage, PassageFilter, PassageId, Provenance, StoreError, TurnId};

use crate::support::{NOW_MS, Profile, passage};

const DAY_MS: i64 = 86_400_000;

/// Five facts, a day apart.
fn facts(profile: &Profile, agent: &AgentId) -> Vec<Passage> {
    let facts = [
        ("the cat is called Miso", &["pets", "home"][..]),
        ("lives in Oslo", &["home"]),
        ("works at a bakery", &["work"]),
        ("likes rye bread", &["work", "food", "food"]),
        ("speaks Norwegian", &[]),
    ];
    (0..)
        .zip(facts)
        .map(|(day, (text, tags))| {
            let mut passage = passage(agent, text, tags);
            passage.created_at_ms = NOW_MS + day * DAY_MS;
            profile.write(|w| w.insert_passage(&passage));
            passage.tags.dedup();
            passage
        })
        .collect()
}

fn texts(profile: &Profile, filter: &PassageFilter) -> Vec<String> {
    profile.read(|r| r.passages(filter)).0.into_iter().map(|passage| passage.text).collect()
}

#[test]
fn a_passage_comes_back_as_it_was_saved() {
    let mut profile = Profile::new();
    let ada = profile.agent("Ada");
    let mut saved = passage(&ada, "text\0with a null", &["b", "a", "nul\0tag"]);
    saved.document = Some("notes.txt".to_owned());
    saved.valid_from_ms = Some(3);
    saved.provenance.turn_id = Some(TurnId::new());
    let row = profile.write(|w| w.insert_passage(&saved));
    profile.reopen().unwrap();
    assert_eq!(profile.read(|r| r.passage(&saved.id)).as_ref(), Some(&saved));
    assert_eq!(profile.read(|r| r.passages_by_rowid(&[99, row])), [(row, saved.clone())]);
    let turn = saved.provenance.turn_id.clone().unwrap();
    assert_eq!(profile.read(|r| r.passages_of_turns(&[turn])), [saved.clone()]);
    let mut filter = PassageFilter::of(&ada);
    filter.tags = vec!["nul\0tag".to_owned()];
    assert_eq!(profile.read(|r| r.passage_rowids(&filter, usize::MAX)), [row]);
    let twice = profile.store().write(|w| w.insert_passage(&saved));
    assert!(matches!(twice, Err(StoreError::Duplicate { what: "passage", .. })), "{twice:?}");
}

#[test]
fn filters_narrow_by_tag_time_and_part() {
    let profile = Profile::new();
    let (ada, bob) = (profile.agent("Ada"), profile.agent("Bob"));
    facts(&profile, &ada);
    facts(&profile, &bob);
    let all = PassageFilter::of(&ada);
    let filtered = |change: &dyn Fn(&mut PassageFilter)| {
        let mut filter = all.clone();
        change(&mut filter);
        texts(&profile, &filter)
    };
    let tags = |tags: &[&str]| tags.iter().map(|tag| (*tag).to_owned()).collect::<Vec<_>>();
    assert_eq!(filtered(&|f| f.tags = tags(&["pets", "food"])), ["likes rye bread", "the cat is called Miso"]);
    assert_eq!(filtered(&|f| (f.tags, f.match_all_tags) = (tags(&["home", "pets"]), true)), ["the cat is called Miso"]);
    assert_eq!(filtered(&|f| (f.tags, f.match_all_tags) = (tags(&["food", "food"]), true)), ["likes rye bread"]);
    assert_eq!(filtered(&|f| f.tags = tags(&["' OR 1=1 --"])), [""; 0]);
    assert_eq!(
        filtered(&|f| (f.from_ms, f.to_ms) = (Some(NOW_MS + DAY_MS), Some(NOW_MS + 3 * DAY_MS))),
        ["works at a bakery", "lives in Oslo"]
    );
    assert_eq!(
        filtered(&|f| (f.newest_first, f.offset, f.limit) = (false, 1, 2)),
        ["lives in Oslo", "works at a bakery"]
    );

    let mut part = all.clone();
    part.limit = 1;
    assert_eq!(profile.read(|r| r.passages(&part)).1, 5);
    assert_eq!(profile.read(|r| r.passage_rowids(&part, usize::MAX)).len(), 5, "rows are those of the whole");
    assert_eq!(profile.read(|r| r.count_passages(&ada)), 5);
}

#[test]
fn tags_are_counted_without_the_bin() {
    let profile = Profile::new();
    let ada = profile.agent("Ada");
    let facts = facts(&profile, &ada);
    let counts = || {
        let counts = profile.read(|r| r.tag_counts(&ada));
        counts.into_iter().map(|(tag, count)| format!("{tag} {count}")).collect::<Vec<_>>()
    };
    assert_eq!(counts(), ["home 2", "work 2", "food 1", "pets 1"]);
    profile.write(|w| w.set_passage_deleted(&facts[0].id, Some(1)));
    assert_eq!(counts(), ["work 2", "food 1", "home 1"]);
}

#[test]
fn superseding_closes_the_validity_and_as_of_looks_back() {
    let profile = Profile::new();
    let ada = profile.agent("Ada");
    let (mut oslo, mut bergen) = (passage(&ada, "lives in Oslo", &[]), passage(&ada, "lives in Bergen", &[]));
    oslo.created_at_ms = 100;
    bergen.created_at_ms = 200;
    profile.write(|w| {
        w.insert_passage(&oslo)?;
        w.insert_passage(&bergen)?;
        w.supersede_passage(&oslo.id, &bergen.id, 200)
    });
    let as_of = |at_ms| texts(&profile, &PassageFilter { as_of_ms: Some(at_ms), ..PassageFilter::of(&ada) });
    assert_eq!(as_of(99), [""; 0]);
    assert_eq!(as_of(150), ["lives in Oslo"]);
    assert_eq!(as_of(200), ["lives in Bergen"]);
    assert_eq!(texts(&profile, &PassageFilter::of(&ada)).len(), 2, "the old fact is kept");
    let old = profile.read(|r| r.passage(&oslo.id)).unwrap();
    assert_eq!((old.valid_to_ms, old.superseded_by.as_ref()), (Some(200), Some(&bergen.id)));

    // A validity that ended earlier stays.
    profile.write(|w| w.supersede_passage(&oslo.id, &bergen.id, 300));
    assert_eq!(profile.read(|r| r.passage(&oslo.id)).unwrap().valid_to_ms, Some(200));
    assert!(profile.store().write(|w| w.supersede_passage(&oslo.id, &oslo.id, 1)).is_err(), "nothing replaces itself");
    let unknown = profile.store().write(|w| w.supersede_passage(&oslo.id, &PassageId::new(), 1));
    assert!(matches!(unknown, Err(StoreError::NotFound { what: "passage", .. })), "{unknown:?}");
    profile.write(|w| w.purge_passage(&bergen.id));
    assert_eq!(profile.read(|r| r.passage(&oslo.id)).unwrap().superseded_by, None);
}

#[test]
fn an_edit_makes_a_revision_and_keeps_who_saved_it_first() {
    let profile = Profile::new();
    let ada = profile.agent("Ada");
    let saved = passage(&ada, "one", &["a"]);
    profile.write(|w| w.insert_passage(&saved));
    let tags = ["b".to_owned(), "a".to_owned(), "b".to_owned()];
    let editor = Provenance::system("undo");
    let revision = profile.write(|w| w.update_passage(&saved.id, "two", &tags, &editor, NOW_MS + 1));
    assert_eq!((revision.number, revision.before.as_deref()), (2, Some("one")));
    let revisions = profile.read(|r| r.passage_revisions(&saved.id));
    assert_eq!(revisions[0], revision);
    assert_eq!((revisions[1].number, revisions[1].before.as_ref()), (1, None));
    let now = profile.read(|r| r.passage(&saved.id)).unwrap();
    assert_eq!(now.tags, ["b", "a"]);
    assert_eq!((now.text.as_str(), now.updated_at_ms), ("two", NOW_MS + 1));
    assert_eq!(now.provenance, saved.provenance);
}

#[test]
fn the_bin_holds_what_was_deleted_until_it_is_purged() {
    let profile = Profile::new();
    let ada = profile.agent("Ada");
    let facts = facts(&profile, &ada);
    profile.write(|w| w.set_passage_deleted(&facts[1].id, Some(1)));
    let bin = PassageFilter { deleted: true, ..PassageFilter::of(&ada) };
    assert_eq!(texts(&profile, &bin), ["lives in Oslo"]);
    assert_eq!(profile.read(|r| r.count_passages(&ada)), 4);
    profile.write(|w| w.set_passage_deleted(&facts[1].id, None));
    assert_eq!(texts(&profile, &bin), [""; 0]);
    profile.write(|w| w.purge_passage(&facts[1].id));
    assert_eq!(profile.read(|r| r.passage(&facts[1].id)), None);
    assert_eq!(profile.read(|r| r.passage_revisions(&facts[1].id)), []);
}
