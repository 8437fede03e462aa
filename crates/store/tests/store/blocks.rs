//! Blocks: labels, revisions, sharing, the bin.

use proptest::prelude::*;
use resident_store::{Actor, AgentId, Alteration, Block, BlockAlteration, BlockId, Provenance, StoreError, TurnId};

use crate::support::{NOW_MS, Profile, block};

fn by_agent(agent: &AgentId, turn: &TurnId) -> Provenance {
    Provenance {
        actor: Actor::Agent,
        agent_id: Some(agent.clone()),
        turn_id: Some(turn.clone()),
        message_id: None,
        tool: Some("core_memory_append".to_owned()),
    }
}

/// Adds a block to the agents.
fn attached(profile: &Profile, label: &str, agents: &[&AgentId]) -> Block {
    let block = block(label, "");
    profile.write(|w| {
        w.insert_block(&block, &Provenance::system("create"))?;
        agents.iter().try_for_each(|agent| w.attach_block(agent, &block.id))
    });
    block
}

fn labels(profile: &Profile, agent: &AgentId) -> Vec<String> {
    profile.read(|r| r.blocks_of(agent)).into_iter().map(|block| block.label).collect()
}

#[test]
fn a_write_makes_a_revision_with_before_and_after() {
    let mut profile = Profile::new();
    let ada = profile.agent("Ada");
    let human = attached(&profile, "human", &[&ada]);
    let turn = TurnId::new();
    let provenance = by_agent(&ada, &turn);
    let written = profile.write(|w| w.write_block_value(&human.id, "Nick", &provenance, NOW_MS + 1));
    assert_eq!((written.number, written.before.as_deref(), written.after.as_str()), (2, Some(""), "Nick"));
    profile.reopen().unwrap();

    let now = profile.read(|r| r.block(&human.id)).unwrap();
    assert_eq!((now.value.as_str(), now.updated_at_ms), ("Nick", NOW_MS + 1));
    let revisions = profile.read(|r| r.block_revisions(&human.id));
    assert_eq!(revisions.iter().map(|r| r.number).collect::<Vec<_>>(), [2, 1]);
    assert_eq!(revisions[0], written);
    assert_eq!(revisions[1].before, None);
    assert_eq!(profile.read(|r| r.latest_block_revision(&human.id)).as_ref(), Some(&written));
    assert_eq!(profile.read(|r| r.block_revision(&human.id, 1)).as_ref(), Some(&revisions[1]));
    assert_eq!(profile.read(|r| r.block_revision(&human.id, 3)), None);
    assert_eq!(profile.read(|r| r.block_revisions_of_turns(&[TurnId::new(), turn])), [written]);
}

#[test]
fn what_is_done_to_a_block_besides_writing_it_is_kept() {
    let mut profile = Profile::new();
    let ada = profile.agent("Ada");
    let plans = attached(&profile, "plans", &[&ada]);
    let turn = TurnId::new();
    let renamed = BlockAlteration {
        block_id: plans.id.clone(),
        agent_id: ada.clone(),
        what: Alteration::Renamed,
        before: "trips".to_owned(),
        after: "plans".to_owned(),
        provenance: by_agent(&ada, &turn),
        created_at_ms: NOW_MS + 1,
    };
    profile.write(|w| w.insert_block_alteration(&renamed));
    let unknown = BlockAlteration { block_id: BlockId::new(), ..renamed.clone() };
    let refused = profile.store().write(|w| w.insert_block_alteration(&unknown));
    assert!(matches!(refused, Err(StoreError::NotFound { .. })), "{refused:?}");
    profile.reopen().unwrap();
    assert_eq!(profile.read(|r| r.block_alterations(&plans.id)), std::slice::from_ref(&renamed));
    assert_eq!(profile.read(|r| r.block_alterations_of_turns(&[TurnId::new(), turn])), [renamed]);
}

#[test]
fn a_revision_is_undone_until_its_undo_is() {
    let profile = Profile::new();
    let ada = profile.agent("Ada");
    let human = attached(&profile, "human", &[&ada]);
    let write = |value: &str| {
        profile.write(|w| w.write_block_value(&human.id, value, &Provenance::user("edit"), NOW_MS)).number
    };
    let undone = || Vec::from_iter(profile.read(|r| r.undone_revisions(&human.id)));
    let said = write("tea");
    let undo = write("");
    profile.write(|w| w.mark_undo(&human.id, undo, said));
    assert_eq!(undone(), [said]);
    let redo = write("tea");
    profile.write(|w| w.mark_undo(&human.id, redo, undo));
    assert_eq!(undone(), [undo], "the first stands again");
    assert!(profile.store().write(|w| w.mark_undo(&human.id, 99, 1)).is_err());
}

#[test]
fn an_agent_has_no_two_blocks_of_one_label() {
    let profile = Profile::new();
    let (ada, bob) = (profile.agent("Ada"), profile.agent("Bob"));
    let human = attached(&profile, "human", &[&ada]);
    let other = attached(&profile, "human", &[&bob]);
    let refused = |result: Result<(), StoreError>| assert!(matches!(result, Err(StoreError::Duplicate { .. })));

    refused(profile.store().write(|w| w.attach_block(&ada, &other.id)));
    profile.write(|w| w.attach_block(&ada, &human.id));
    let mut notes = attached(&profile, "notes", &[&ada]);
    notes.label = "human".to_owned();
    refused(profile.store().write(|w| w.update_block_meta(&notes)));

    // In the bin it does not stand in the way, until it comes back.
    profile.write(|w| w.set_block_deleted(&human.id, Some(1)));
    profile.write(|w| w.update_block_meta(&notes));
    assert_eq!(profile.read(|r| r.block_by_label(&ada, "human")).unwrap().id, notes.id);
    refused(profile.store().write(|w| w.set_block_deleted(&human.id, None)));
    assert_eq!(profile.read(|r| r.all_blocks(true)).len(), 1);
}

#[test]
fn a_block_comes_back_from_the_bin_to_its_place() {
    let profile = Profile::new();
    let (ada, bob) = (profile.agent("Ada"), profile.agent("Bob"));
    let persona = attached(&profile, "persona", &[&ada, &bob]);
    attached(&profile, "human", &[&ada]);
    profile.write(|w| w.set_block_deleted(&persona.id, Some(1)));
    assert_eq!(labels(&profile, &ada), ["human"]);
    profile.write(|w| w.set_block_deleted(&persona.id, None));
    assert_eq!(labels(&profile, &ada), ["persona", "human"]);
    assert_eq!(profile.read(|r| r.agents_of_block(&persona.id)), [ada.clone(), bob]);

    profile.write(|w| w.detach_block(&ada, &persona.id));
    assert_eq!(labels(&profile, &ada), ["human"]);
    profile.write(|w| w.purge_block(&persona.id));
    assert_eq!(profile.read(|r| r.block(&persona.id)), None);
    assert_eq!(profile.read(|r| r.block_revisions(&persona.id)), []);
}

#[test]
fn what_is_not_there_is_said_so() {
    let profile = Profile::new();
    let nothing = BlockId::new();
    let ada = profile.agent("Ada");
    let system = Provenance::system("x");
    let missing = |result: Result<(), StoreError>| assert!(matches!(result, Err(StoreError::NotFound { .. })));
    missing(profile.store().write(|w| w.write_block_value(&nothing, "x", &system, 0).map(drop)));
    missing(profile.store().write(|w| w.attach_block(&ada, &nothing)));
    missing(profile.store().write(|w| w.purge_block(&nothing)));
    let human = attached(&profile, "human", &[&ada]);
    missing(profile.store().write(|w| w.attach_block(&AgentId::new(), &human.id)));
}

#[test]
fn an_error_rolls_the_whole_write_back() {
    let profile = Profile::new();
    let ada = profile.agent("Ada");
    let human = attached(&profile, "human", &[&ada]);
    let failed = profile.store().write(|w| {
        w.write_block_value(&human.id, "lost", &Provenance::system("x"), 0)?;
        w.set_agent_deleted(&ada, Some(1))?;
        w.set_setting("lost", &true.into())?;
        Err::<(), _>(StoreError::NotFound { what: "reason", id: String::new() })
    });
    assert!(matches!(failed, Err(StoreError::NotFound { what: "reason", .. })));
    let unwound = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        profile.write(|w| -> Result<(), StoreError> {
            w.set_setting("lost", &true.into())?;
            panic!("in the middle of a write")
        });
    }));
    assert!(unwound.is_err());

    assert_eq!(profile.read(|r| r.block(&human.id)).unwrap().value, "");
    assert_eq!(profile.read(|r| r.block_revisions(&human.id)).len(), 1);
    assert_eq!(profile.read(|r| r.agent(&ada)).unwrap().deleted_at_ms, None);
    assert_eq!(profile.read(|r| r.setting("lost")), None);
    profile.write(|w| w.set_setting("kept", &true.into()));
}

#[test]
fn a_read_sees_one_snapshot() {
    let profile = Profile::new();
    let ada = profile.agent("Ada");
    let human = attached(&profile, "human", &[&ada]);
    profile.read(|r| {
        let before = r.block(&human.id)?;
        profile.write(|w| w.write_block_value(&human.id, "new", &Provenance::system("x"), 0));
        assert_eq!(r.block(&human.id)?, before);
        Ok(())
    });
    assert_eq!(profile.read(|r| r.block(&human.id)).unwrap().value, "new");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn revisions_have_no_gaps_and_chain(writes in prop::collection::vec((0_usize..3, any::<String>(), any::<bool>()), 1..30)) {
        let profile = Profile::new();
        let ada = profile.agent("Ada");
        let blocks = ["a", "b", "c"].map(|label| attached(&profile, label, &[&ada]));
        for (number, value, commit) in &writes {
            let id = &blocks[*number].id;
            let result = profile.store().write(|w| {
                w.write_block_value(id, value, &Provenance::user("edit"), NOW_MS)?;
                if *commit { Ok(()) } else { Err(StoreError::NotFound { what: "reason", id: String::new() }) }
            });
            prop_assert_eq!(result.is_ok(), *commit);
        }
        for (number, block) in blocks.iter().enumerate() {
            let mut revisions = profile.read(|r| r.block_revisions(&block.id));
            revisions.reverse();
            let kept = writes.iter().filter(|(at, _, commit)| *at == number && *commit);
            let expected: Vec<&str> = std::iter::once("").chain(kept.map(|(_, value, _)| value.as_str())).collect();
            prop_assert_eq!(revisions.iter().map(|r| r.after.as_str()).collect::<Vec<_>>(), expected);
            for (index, revision) in revisions.iter().enumerate() {
                prop_assert_eq!(revision.number, index as i64 + 1);
                prop_assert_eq!(&revision.before, &index.checked_sub(1).map(|at| revisions[at].after.clone()));
            }
            prop_assert_eq!(profile.read(|r| r.block(&block.id)).unwrap().value, revisions.last().unwrap().after.clone());
        }
    }
}
