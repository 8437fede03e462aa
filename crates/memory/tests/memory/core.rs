//! Blocks: edits, limits, revisions, undo.

use proptest::prelude::*;
use resident_memory::core::EditContext;
use resident_memory::{BlockChange, MemoryError, core};
use resident_store::{Actor, Block, BlockId, Writer};

use crate::support::World;

fn human(world: &World) -> BlockId {
    world.memory.store().read(|r| r.block_by_label(&world.agent, "human")).unwrap().unwrap().id
}

#[test]
fn every_edit_makes_a_revision_with_its_provenance() {
    let world = World::new();
    world.edit(|w, edit| core::append(w, edit, "human", "Name: Nick")).unwrap();
    world.edit(|w, edit| core::append(w, edit, "human", "Likes tea")).unwrap();
    world.edit(|w, edit| core::replace_all(w, edit, "human", "tea", "coffee")).unwrap();
    world.edit(|w, edit| core::replace_once(w, edit, "human", "Nick", "Nicholas")).unwrap();
    let last = world.edit(|w, edit| core::insert(w, edit, "human", "Lives in Oslo", 1)).unwrap();
    assert_eq!(world.value("human"), "Name: Nicholas\nLives in Oslo\nLikes coffee");
    assert_eq!(last.block.value, world.value("human"));
    assert_eq!((last.revision.number, last.revision.provenance.actor), (6, Actor::Agent));
    assert_eq!(last.revision.before.as_deref(), Some("Name: Nicholas\nLikes coffee"));

    let rethought = world.edit(|w, edit| core::rethink(w, edit, "project", "Resident")).unwrap();
    assert_eq!((rethought.revision.number, rethought.block.limit_chars), (1, 100_000));
    world.edit(|w, edit| core::rethink(w, edit, "project", "Resident, a memory")).unwrap();
    assert_eq!(world.value("project"), "Resident, a memory");
}

#[test]
fn a_failed_edit_changes_nothing_and_says_how_to_repair_it() {
    let world = World::new();
    let check = |result: Result<core::BlockEdit, MemoryError>, expected: &str| {
        assert_eq!(result.unwrap_err().to_string(), expected);
    };
    check(
        world.edit(|w, edit| core::append(w, edit, "humans", "x")),
        "There is no memory block with label `humans`. The labels are: `persona`, `human`.",
    );
    check(world.edit(|w, edit| core::append(w, edit, "human", " \0")), "content is empty: give the text to save.");
    check(
        world.edit(|w, edit| core::append(w, edit, "human", &"é".repeat(20_001))),
        "Memory block `human` would have 20001 characters, its limit is 20000. Nothing was changed. Write less, or \
         shorten or remove what is no longer needed first.",
    );
    check(
        world.edit(|w, edit| core::rethink(w, edit, "persona", "I am Resident.")),
        "Memory block `persona` already reads like that. Nothing was changed.",
    );
    check(
        world.edit(|w, edit| core::create(w, edit, "human", "", "x")),
        "A memory block with label `human` exists already. Edit that block, or choose another label.",
    );
    check(
        world.edit(|w, edit| core::create(w, edit, "a<b", "", "x")),
        "`a<b` cannot be the label of a memory block: a label has 1 to 128 characters, without line breaks, `<` and `>`.",
    );
    assert_eq!(world.value("human"), "");
    assert_eq!(world.memory.store().read(|r| r.block_revisions(&human(&world))).unwrap().len(), 1);
}

#[test]
fn a_read_only_block_binds_agents_and_not_the_person() {
    let world = World::new();
    let id = human(&world);
    world
        .memory
        .store()
        .write(|w| {
            let block = w.block(&id)?.unwrap();
            w.update_block_meta(&resident_store::Block { read_only: true, ..block })
        })
        .unwrap();
    let refusals = [
        world.edit(|w, edit| core::append(w, edit, "human", "x").map(|_| ())),
        world.edit(|w, edit| core::delete(w, edit, "human").map(|_| ())),
        world.edit(|w, edit| core::rename(w, edit, "human", "person").map(|_| ())),
    ];
    for refusal in refusals {
        assert_eq!(refusal.unwrap_err().to_string(), "Error This block is read-only and cannot be edited.");
    }
    world.edit_as(Actor::User, |w, edit| core::write(w, edit, &id, "mine", None)).unwrap();
    assert_eq!(world.value("human"), "mine");
}

#[test]
fn an_editor_that_saw_an_older_text_is_told() {
    let world = World::new();
    let id = human(&world);
    let seen = world.edit_as(Actor::User, |w, edit| core::write(w, edit, &id, "one", Some(1))).unwrap().revision.number;
    world.edit(|w, edit| core::append(w, edit, "human", "two")).unwrap();
    let stale = world.edit_as(Actor::User, |w, edit| core::write(w, edit, &id, "other", Some(seen)));
    assert!(matches!(stale, Err(MemoryError::Conflict { .. })));
    let same = world.edit_as(Actor::User, |w, edit| core::write(w, edit, &id, "one\ntwo", None)).unwrap();
    assert_eq!(same.revision.number, 3, "an unchanged text makes no revision");
}

#[test]
fn undo_keeps_later_changes_of_other_lines_and_refuses_the_rest() {
    let world = World::new();
    let id = human(&world);
    let tea = world.edit(|w, edit| core::append(w, edit, "human", "Likes tea")).unwrap().revision.number;
    world.edit(|w, edit| core::append(w, edit, "human", "Has a dog")).unwrap();
    world.edit_as(Actor::User, |w, edit| core::undo(w, edit, &id, tea)).unwrap();
    assert_eq!(world.value("human"), "Has a dog");
    let again = world.edit_as(Actor::User, |w, edit| core::undo(w, edit, &id, tea));
    assert!(matches!(again, Err(MemoryError::Unchanged { .. } | MemoryError::Conflict { .. })), "{again:?}");

    let cat = world.edit(|w, edit| core::replace_all(w, edit, "human", "dog", "cat")).unwrap().revision.number;
    world.edit(|w, edit| core::replace_all(w, edit, "human", "cat", "horse")).unwrap();
    let refused = world.edit_as(Actor::User, |w, edit| core::undo(w, edit, &id, cat));
    assert!(matches!(refused, Err(MemoryError::Conflict { .. })));
    let unknown = world.edit_as(Actor::User, |w, edit| core::undo(w, edit, &id, 99));
    assert!(matches!(unknown, Err(MemoryError::UnknownRevision { number: 99, .. })));
    assert_eq!(world.value("human"), "Has a horse");
}

#[test]
fn a_patch_works_on_several_blocks_or_on_none() {
    let world = World::new();
    world.edit(|w, edit| core::append(w, edit, "human", "Likes tea")).unwrap();
    let patch = "*** Begin Patch\n*** Add Block: work\n+Writes Rust\n*** Update Block: human\n*** Move to: nick\n@@\n\
                 -Likes tea\n+Likes coffee\n*** Delete Block: persona\n*** End Patch";
    let changes = world.edit(|w, edit| core::apply_patch(w, edit, "human", patch)).unwrap();
    assert!(
        matches!(
            changes.as_slice(),
            [BlockChange::Written(_), BlockChange::Written(_), BlockChange::Altered(_), BlockChange::Altered(_)]
        ),
        "{changes:?}"
    );
    assert_eq!((world.value("work").as_str(), world.value("nick").as_str()), ("Writes Rust", "Likes coffee"));
    let labels = || -> Vec<String> {
        let blocks = world.memory.store().read(|r| r.blocks_of(&world.agent)).unwrap();
        blocks.into_iter().map(|block| block.label).collect()
    };
    assert_eq!(labels(), ["nick", "work"]);

    let failing = "*** Delete Block: work\n*** Update Block: nick\n@@\n-not there\n+x";
    assert!(world.edit(|w, edit| core::apply_patch(w, edit, "nick", failing)).is_err());
    assert_eq!(labels(), ["nick", "work"], "the transaction was rolled back");
}

#[test]
fn a_shared_block_is_detached_and_another_goes_to_the_bin() {
    let world = World::new();
    let id = human(&world);
    let other = world.add_agent("Bob");
    world.memory.store().write(|w| w.attach_block(&other, &id)).unwrap();
    let detached = world.edit(|w, edit| core::delete(w, edit, "human")).unwrap();
    assert_eq!(detached.block.deleted_at_ms, None);
    assert!(world.memory.store().read(|r| r.block_by_label(&other, "human")).unwrap().is_some());
    let binned = world.edit(|w, edit| core::delete(w, edit, "persona")).unwrap();
    assert!(binned.block.deleted_at_ms.is_some());
    let kept = world.memory.store().read(|r| r.block_alterations(&binned.block.id)).unwrap();
    assert_eq!(kept, [binned.alteration], "who removed it is kept");
    world.memory.store().write(|w| w.set_block_deleted(&binned.block.id, None)).unwrap();
    assert_eq!(world.value("persona"), "I am Resident.");
}

#[test]
fn blocks_are_rendered_in_the_form_that_models_know() {
    let world = World::new();
    let blocks = world.memory.store().read(|r| r.blocks_of(&world.agent)).unwrap();
    let human = resident_store::Block { read_only: true, description: "The human.".to_owned(), ..blocks[1].clone() };
    let persona = resident_store::Block { description: "The self.".to_owned(), ..blocks[0].clone() };
    assert_eq!(
        core::render(&[persona, human]),
        "<memory_blocks>\nThe following memory blocks are currently engaged in your core memory unit:\n\n<persona>\n\
         <description>The self.</description>\n<metadata>\n- chars_current=14\n- chars_limit=20000\n</metadata>\n\
         <value>I am Resident.</value>\n</persona>\n\n<human>\n<description>The human.</description>\n<metadata>\n\
         - read_only=true\n- chars_current=0\n- chars_limit=20000\n</metadata>\n<value></value>\n</human>\n</memory_blocks>"
    );
    assert_eq!(core::render(&[]), "");
}

#[derive(Debug, Clone)]
enum Edit {
    Append(String),
    ReplaceAll(String, String),
    Insert(String, i64),
    Rethink(String),
}

fn edits() -> impl Strategy<Value = Vec<Edit>> {
    let text = || "[ab \n]{0,6}";
    let edit = prop_oneof![
        text().prop_map(Edit::Append),
        ("[ab]", text()).prop_map(|(old, new)| Edit::ReplaceAll(old, new)),
        (text(), -1..4_i64).prop_map(|(new, line)| Edit::Insert(new, line)),
        text().prop_map(Edit::Rethink),
    ];
    prop::collection::vec(edit, 1..8)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn edits_undone_in_reverse_order_leave_the_text_from_before(edits in edits()) {
        let world = World::new();
        let id = human(&world);
        let mut done = Vec::new();
        for edit in edits {
            let before = world.value("human");
            let edited = world.edit(|w, context| match &edit {
                Edit::Append(content) => core::append(w, context, "human", content),
                Edit::ReplaceAll(old, new) => core::replace_all(w, context, "human", old, new),
                Edit::Insert(new, line) => core::insert(w, context, "human", new, *line),
                Edit::Rethink(new) => core::rethink(w, context, "human", new),
            });
            match edited {
                Ok(edited) => done.push((before, edited.revision.number)),
                Err(_) => prop_assert_eq!(world.value("human"), before, "a refused edit changes nothing"),
            }
        }
        while let Some((before, number)) = done.pop() {
            world.edit_as(Actor::User, |w, edit| core::undo(w, edit, &id, number)).unwrap();
            prop_assert_eq!(world.value("human"), before);
        }
    }
}

/// An edit by somebody who read `seen`, after others changed the block.
fn late<T>(
    world: &World,
    seen: &Block,
    f: impl FnOnce(&mut Writer<'_>, &EditContext<'_>) -> Result<T, MemoryError>,
) -> Result<T, MemoryError> {
    let seen = std::slice::from_ref(seen);
    world.edit(|w, edit| f(w, &EditContext { seen, ..*edit }))
}

#[test]
fn what_others_wrote_meanwhile_is_kept() {
    let world = World::new();
    world.edit(|w, edit| core::create(w, edit, "plan", "", "Beans\nPeas\nRye")).unwrap();
    let seen = world.memory.store().read(|r| r.block_by_label(&world.agent, "plan")).unwrap().unwrap();
    world.edit(|w, edit| core::append(w, edit, "plan", "Leeks")).unwrap();

    late(&world, &seen, |w, edit| core::replace_once(w, edit, "plan", "Peas", "Peas, early")).unwrap();
    assert_eq!(world.value("plan"), "Beans\nPeas, early\nRye\nLeeks");
    late(&world, &seen, |w, edit| core::append(w, edit, "plan", "Oats")).unwrap();
    assert_eq!(world.value("plan"), "Beans\nPeas, early\nRye\nLeeks\nOats");
    late(&world, &seen, |w, edit| core::insert(w, edit, "plan", "Sow in May:", 0)).unwrap();
    assert_eq!(world.value("plan"), "Sow in May:\nBeans\nPeas, early\nRye\nLeeks\nOats");
}

#[test]
fn a_change_of_the_same_lines_is_reported_with_the_text_as_it_is_now() {
    let world = World::new();
    world.edit(|w, edit| core::create(w, edit, "plan", "", "Beans\nPeas")).unwrap();
    let seen = world.memory.store().read(|r| r.block_by_label(&world.agent, "plan")).unwrap().unwrap();
    world.edit_as(Actor::User, |w, edit| core::replace_once(w, edit, "plan", "Peas", "Peas (bought)")).unwrap();
    for refused in [
        late(&world, &seen, |w, edit| core::replace_once(w, edit, "plan", "Peas", "Lentils")),
        late(&world, &seen, |w, edit| core::rethink(w, edit, "plan", "Lentils only")),
    ] {
        let error = refused.unwrap_err();
        assert!(matches!(&error, MemoryError::ChangedMeanwhile { by, .. } if by == "the user"), "{error}");
        assert!(error.to_string().contains("Beans\nPeas (bought)"), "{error}");
    }
    assert_eq!(world.value("plan"), "Beans\nPeas (bought)");
}
