//! Agents, settings, and what goes with an agent.

use resident_store::{MessageFilter, PassageFilter, Provenance, Role, StoreError, StoredVector, VectorOwner};

use crate::support::{Profile, agent, block, passage};

#[test]
fn an_agent_comes_back_as_it_was_saved() {
    let mut profile = Profile::new();
    let mut ada = agent("Ada");
    profile.write(|w| w.insert_agent(&ada));
    profile.reopen().unwrap();
    assert_eq!(profile.read(|r| r.agent(&ada.id)), Some(ada.clone()));

    ada.name = "Grace".to_owned();
    ada.model = Some("local/tiny".to_owned());
    profile.write(|w| w.update_agent(&ada));
    assert_eq!(profile.read(|r| r.agent(&ada.id)), Some(ada.clone()));

    let twice = profile.store().write(|w| w.insert_agent(&ada));
    assert!(matches!(twice, Err(StoreError::Duplicate { what: "agent", .. })), "{twice:?}");
    let nobody = profile.store().write(|w| w.update_agent(&agent("Nobody")));
    assert!(matches!(nobody, Err(StoreError::NotFound { what: "agent", .. })), "{nobody:?}");
}

#[test]
fn an_edit_of_an_agent_leaves_its_window_alone() {
    let profile = Profile::new();
    let ada = agent("Ada");
    profile.write(|w| {
        w.insert_agent(&ada)?;
        w.set_window_start(&ada.id, 7)?;
        w.update_agent(&ada)
    });
    assert_eq!(profile.read(|r| r.agent(&ada.id)).unwrap().window_start_seq, 7);
}

#[test]
fn agents_are_listed_by_their_last_activity() {
    let profile = Profile::new();
    let (first, second) = (profile.agent("first"), profile.agent("second"));
    let names = |deleted| {
        let agents = profile.read(|r| r.agents(deleted));
        agents.into_iter().map(|agent| agent.name).collect::<Vec<_>>()
    };
    assert_eq!(names(false), ["second", "first"]);
    let mut message = crate::support::message(&first, Role::User, "hello");
    message.created_at_ms += 1;
    profile.write(|w| w.append_message(&message));
    assert_eq!(names(false), ["first", "second"]);
    profile.write(|w| w.set_agent_deleted(&second, Some(5)));
    assert_eq!((names(false), names(true)), (vec!["first".to_owned()], vec!["second".to_owned()]));
    profile.write(|w| w.set_agent_deleted(&second, None));
    assert_eq!(names(true), [""; 0]);
}

#[test]
fn a_purged_agent_takes_only_its_own_things_along() {
    let profile = Profile::new();
    let (ada, bob) = (profile.agent("Ada"), profile.agent("Bob"));
    let (own, shared) = (block("persona", "I am Ada."), block("human", "Nick"));
    let saved = passage(&ada, "the cat is called Miso", &["pets"]);
    let said = profile.say(&ada, Role::User, "my cat is called Miso");
    profile.say(&bob, Role::User, "my cat is called Tofu");
    profile.write(|w| {
        for block in [&own, &shared] {
            w.insert_block(block, &Provenance::system("create"))?;
            w.attach_block(&ada, &block.id)?;
        }
        w.attach_block(&bob, &shared.id)?;
        w.insert_passage(&saved)?;
        w.put_vectors("e", &[StoredVector { owner: VectorOwner::Message, key: said.seq, vector: vec![1.0] }])
    });
    profile.write(|w| w.purge_agent(&ada));

    assert_eq!(profile.read(|r| r.agent(&ada)), None);
    assert_eq!(profile.read(|r| r.message(&said.id)), None);
    assert_eq!(profile.read(|r| r.passage(&saved.id)), None);
    assert_eq!(profile.read(|r| r.block(&own.id)), None);
    assert_eq!(profile.read(|r| r.blocks_of(&bob)).len(), 1);
    let hits =
        |agent| profile.read(|r| r.search_messages_text(agent, "cat", &MessageFilter::default(), [1.0; 3], 10)).len();
    assert_eq!((hits(&ada), hits(&bob)), (0, 1));
    let filter = PassageFilter::of(&ada);
    assert_eq!(profile.read(|r| r.search_passages_text(&filter, "cat", [1.0; 3], 10)), []);
}

#[test]
fn settings_are_kept_replaced_and_removed() {
    let mut profile = Profile::new();
    for value in [serde_json::json!({"offline": true}), serde_json::json!("\0"), serde_json::json!(null)] {
        profile.write(|w| w.set_setting("network", &value));
        profile.reopen().unwrap();
        assert_eq!(profile.read(|r| r.setting("network")), Some(value));
    }
    profile.write(|w| w.remove_setting("network"));
    assert_eq!(profile.read(|r| r.setting("network")), None);
}

#[test]
fn what_is_carried_with_an_agent_goes_when_it_goes_for_good() {
    let profile = Profile::new();
    let (ada, grace) = (agent("Ada"), agent("Grace"));
    profile.write(|w| {
        w.insert_agent(&ada)?;
        w.insert_agent(&grace)?;
        w.carry(&ada.id, "b", &serde_json::json!({ "old": 1.5 }))?;
        w.carry(&ada.id, "a", &serde_json::json!([]))?;
        w.carry(&ada.id, "b", &serde_json::json!({ "new": null }))?;
        w.carry(&grace.id, "b", &serde_json::json!(1))
    });
    let carried = profile.read(|r| r.carried(&ada.id));
    let about: Vec<(&str, String)> = carried.iter().map(|c| (c.about.as_str(), c.value.to_string())).collect();
    assert_eq!(about, [("a", "[]".to_owned()), ("b", "{\"new\":null}".to_owned())]);
    profile.write(|w| w.purge_agent(&ada.id));
    assert_eq!(profile.read(|r| r.carried(&ada.id)), []);
    assert_eq!(profile.read(|r| r.carried(&grace.id)).len(), 1);
}
