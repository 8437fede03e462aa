//! Passages: saving, tags, dates, validity, the bin, and finding them.

use resident_memory::{ArchivalQuery, MemoryError, NewPassages, Sort, archival};
use resident_store::{Actor, PassageFilter, PassageId};

use crate::support::{DAY, NOW, SOON, WordEmbedder, World, owned, reasons, texts};

#[test]
fn saved_text_is_trimmed_tagged_and_found_by_its_words() {
    let world = World::new();
    let saved = world.save("  Nick's dog is called Rex.\0 ", &[" pets ", "pets", "", "close   family"]);
    assert_eq!(saved.text, "Nick's dog is called Rex.");
    assert_eq!(saved.tags, ["pets", "close family"]);
    world.save("The car is blue.", &[]);
    let hits = world.look_up("What is the name of the dogs?");
    assert_eq!(texts(&hits), ["Nick's dog is called Rex."]);
    assert_eq!(reasons(&hits[0].reasons), ["has the word: dogs"]);
    assert!(texts(&world.look_up("\"unbalanced OR (NEAR* dog")).contains(&"Nick's dog is called Rex."));
}

#[test]
fn empty_text_and_unknown_passages_are_refused() {
    let world = World::new();
    let empty = world
        .edit(|w, edit| archival::insert(w, edit, NewPassages { text: " \0 ".to_owned(), ..NewPassages::default() }));
    assert!(matches!(empty, Err(MemoryError::EmptyArgument { argument: "content" })));
    let unknown = world.edit(|w, edit| archival::delete(w, edit, &[PassageId::from("passage-x")]));
    assert_eq!(unknown.unwrap_err().to_string(), "There is no passage with id passage-x in the archive.");

    let mut other = World::new();
    let saved = other.save("secret", &[]);
    other.agent = other.add_agent("Eve");
    let foreign = other.edit(|w, edit| archival::edit(w, edit, &saved.id, Some("changed"), None));
    assert!(matches!(foreign, Err(MemoryError::UnknownPassage { .. })), "an agent edits its own archive only");
}

#[test]
fn a_long_text_becomes_several_passages_of_one_document() {
    let world = World::new();
    let text = (0..80).map(|n| format!("Paragraph {n} speaks about subject number {n}.\n\n")).collect::<String>();
    let new = NewPassages {
        text,
        document: Some("handbook.md".to_owned()),
        tags: owned(&["work"]),
        ..NewPassages::default()
    };
    let saved = world.edit(|w, edit| archival::insert(w, edit, new)).unwrap();
    assert!(saved.len() >= 4, "{}", saved.len());
    assert!(saved.iter().all(|p| p.document.as_deref() == Some("handbook.md") && p.tags == ["work"]));
    assert!(world.look_up("subject number 79")[0].passage.text.contains("Paragraph 79"));
    assert_eq!(reasons(&world.look_up("handbook")[0].reasons), ["has the word: handbook"]);
}

#[test]
fn tags_narrow_by_any_or_by_all() {
    let world = World::new();
    world.save("tea at work", &["work", "drinks"]);
    world.save("tea at home", &["home", "drinks"]);
    world.save("tea in the garden", &[]);
    let count = |tags: &[&str], match_all_tags| {
        let filter = PassageFilter { tags: owned(tags), match_all_tags, ..world.all() };
        (world.look_up_among("tea", filter.clone()).len(), world.look_up_among("", filter).len())
    };
    assert_eq!(count(&[], false), (3, 3));
    assert_eq!(count(&["drinks"], false), (2, 2));
    assert_eq!(count(&["work", "home"], false), (2, 2));
    assert_eq!(count(&["work", "drinks"], true), (1, 1));
    assert_eq!(count(&["work", "home"], true), (0, 0));
    let hits = world.look_up_among("tea", PassageFilter { tags: owned(&["work"]), ..world.all() });
    assert_eq!(reasons(&hits[0].reasons), ["has the word: tea", "has the tag: work"]);
}

#[test]
fn dates_narrow_by_when_it_was_saved_and_a_named_date_is_preferred() {
    let world = World::new();
    world.save("walked with Anna in the park", &[]);
    world.clock.advance(10 * DAY);
    world.save("walked with Anna in the park again", &[]);
    world.clock.advance(DAY);
    let later = PassageFilter { from_ms: Some(NOW + DAY), ..world.all() };
    assert_eq!(texts(&world.look_up_among("Anna", later)), ["walked with Anna in the park again"]);
    let earlier = PassageFilter { to_ms: Some(NOW + DAY), ..world.all() };
    assert_eq!(texts(&world.look_up_among("Anna", earlier)), ["walked with Anna in the park"]);

    let hits = world.look_up("walked with Anna on 17 November");
    assert_eq!(texts(&hits)[0], "walked with Anna in the park");
    assert!(reasons(&hits[0].reasons).contains(&"from the time or speaker that was asked for".to_owned()));
    assert_eq!(texts(&world.look_up("walked with Anna yesterday"))[0], "walked with Anna in the park again");
}

#[test]
fn a_superseded_fact_is_what_was_true_then() {
    let world = World::new();
    let old = world.save("Nick lives in Oslo", &["home"]);
    world.clock.advance(5 * DAY);
    let new = world.edit(|w, edit| archival::supersede(w, edit, &old.id, "Nick lives in Bergen", &[])).unwrap();
    assert_eq!(new.tags, ["home"]);
    world.clock.advance(DAY);
    assert_eq!(texts(&world.look_up("where does Nick live")), ["Nick lives in Bergen"]);
    assert_eq!(texts(&world.look_up("")), ["Nick lives in Bergen"]);
    let then = PassageFilter { as_of_ms: Some(NOW + DAY), ..world.all() };
    assert_eq!(texts(&world.look_up_among("where does Nick live", then.clone())), ["Nick lives in Oslo"]);
    assert_eq!(texts(&world.look_up_among("", then)), ["Nick lives in Oslo"]);
    let again = world.edit(|w, edit| archival::supersede(w, edit, &old.id, "Nick lives in Rome", &[]));
    assert!(matches!(again, Err(MemoryError::AlreadySuperseded { by, .. }) if by == new.id));
}

#[test]
fn edited_deleted_and_restored_passages_are_found_accordingly() {
    let world = World::new();
    let passage = world.save("likes tea", &["food"]);
    world.edit(|w, edit| archival::edit(w, edit, &passage.id, Some("likes coffee"), None)).unwrap();
    assert!(world.look_up("tea").is_empty());
    let hit = &world.look_up("coffee")[0];
    assert_eq!(hit.passage.tags, ["food"], "what is not given stays");
    world.edit(|w, edit| archival::delete(w, edit, std::slice::from_ref(&passage.id))).unwrap();
    assert!(world.look_up("coffee").is_empty());
    assert_eq!(texts(&world.look_up_among("", PassageFilter { deleted: true, ..world.all() })), ["likes coffee"]);
    let edit_in_bin = world.edit(|w, edit| archival::edit(w, edit, &passage.id, Some("x"), None));
    assert!(matches!(edit_in_bin, Err(MemoryError::UnknownPassage { .. })));
    world.edit(|w, edit| archival::restore(w, edit, std::slice::from_ref(&passage.id))).unwrap();
    assert_eq!(world.look_up("coffee").len(), 1);
}

#[test]
fn pages_follow_the_order_that_was_asked_for() {
    let world = World::new();
    for n in 0..7 {
        world.save(&format!("note {n} about tea"), &[]);
        world.clock.advance(1);
    }
    let page = |text: &str, sort, offset| {
        let filter = PassageFilter { offset, limit: 3, ..world.all() };
        let page =
            world.memory.search_passages(&world.agent, &ArchivalQuery { text: text.to_owned(), filter, sort }).unwrap();
        let numbers: Vec<String> = page.hits.iter().map(|hit| hit.passage.text[5..6].to_owned()).collect();
        (numbers.join(""), page.total)
    };
    for text in ["", "tea"] {
        assert_eq!(page(text, Sort::Newest, 0), ("654".to_owned(), 7));
        assert_eq!(page(text, Sort::Newest, 6), ("0".to_owned(), 7));
        assert_eq!(page(text, Sort::Oldest, 2), ("234".to_owned(), 7));
        assert_eq!(page(text, Sort::Relevance, 0), ("654".to_owned(), 7), "of equal scores the newer first");
    }
}

#[test]
fn a_shared_archive_is_searched_with_the_agents_own_by_words_and_by_meaning() {
    let world = World::new();
    let bob = world.add_agent("Bob");
    let shared = world.memory.store().write(|w| w.default_archive(&bob, NOW)).unwrap();
    let own = world.save("The automobile was repaired.", &[]);
    assert_ne!(own.archive_id, shared);
    world
        .edit_as(Actor::User, |w, edit| {
            w.attach_archive(edit.agent_id, &shared)?;
            let text = "An automobile is parked.".to_owned();
            archival::insert(w, edit, NewPassages { text, archive_id: Some(shared.clone()), ..NewPassages::default() })
        })
        .unwrap();
    world.embed_with(&WordEmbedder::new("words", 256));
    assert!(world.memory.wait_until_embedded(SOON));
    for text in ["automobile", "vehicle"] {
        assert_eq!(world.look_up(text).len(), 2, "{text}");
        let query = ArchivalQuery { text: text.to_owned(), filter: world.all(), sort: Sort::Relevance };
        let in_shared = world.memory.search_passages(&shared, &query).unwrap().hits;
        assert_eq!(texts(&in_shared), ["An automobile is parked."], "{text}");
    }
    let deleted = world.edit(|w, edit| archival::delete(w, edit, std::slice::from_ref(&own.id)));
    assert!(deleted.is_ok(), "an agent edits what is in its archival memory");
    world.memory.store().write(|w| w.detach_archive(&world.agent, &shared)).unwrap();
    assert_eq!(world.look_up("vehicle").len(), 0);
}

#[test]
fn a_text_of_five_megabytes_is_saved_and_found_from_end_to_end() {
    let world = World::new();
    let middle = "The sea was calm and nothing much happened on that day. ".repeat(5_000_000 / 56);
    let text = format!("It began in Valparaiso. {middle} It ended in Reykjavik.");
    assert!(text.len() >= 5_000_000);
    let last = world.save(&text, &["log"]);
    assert!(last.text.ends_with("It ended in Reykjavik."));
    let found = world.look_up("Where did it end, in Reykjavik?");
    assert_eq!(found[0].passage.id, last.id);
    assert!(texts(&world.look_up("Valparaiso"))[0].starts_with("It began in Valparaiso."));
}
