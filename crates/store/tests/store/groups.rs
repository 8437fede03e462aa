//! Groups of agents, what is said in them, and letters between agents.

use resident_store::{
    AgentId, Group, GroupId, GroupListing, ManagerType, Message, MessageId, NewMessage, Provenance, Role, StoreError,
};
use serde_json::json;

use crate::support::{NOW_MS, Profile, block, message};

fn group(manager_type: ManagerType, agent_ids: &[&AgentId]) -> Group {
    Group {
        id: GroupId::new(),
        manager_type,
        description: "Plans the garden.".to_owned(),
        agent_ids: agent_ids.iter().map(|id| (*id).clone()).collect(),
        manager_agent_id: None,
        shared_block_ids: Vec::new(),
        max_turns: Some(3),
        termination_token: None,
        sleeptime_agent_frequency: None,
        processed_seq: 0,
        letta: json!({}),
        created_at_ms: NOW_MS,
        updated_at_ms: NOW_MS,
        deleted_at_ms: None,
    }
}

#[test]
fn a_group_is_kept_with_its_agents_in_their_order() {
    let mut profile = Profile::new();
    let (ada, bob, cleo) = (profile.agent("Ada"), profile.agent("Bob"), profile.agent("Cleo"));
    let beds = block("beds", "Beans.");
    profile.write(|w| w.insert_block(&beds, &Provenance::system("create")));
    let mut garden = Group {
        manager_agent_id: Some(ada.clone()),
        shared_block_ids: vec![beds.id.clone()],
        ..group(ManagerType::Supervisor, &[&cleo, &bob])
    };
    profile.write(|w| w.insert_group(&garden));
    profile.reopen().unwrap();
    assert_eq!(profile.read(|r| r.group(&garden.id)), Some(garden.clone()));
    for of in [&ada, &bob, &cleo] {
        assert_eq!(profile.read(|r| r.groups_of_agent(of)), std::slice::from_ref(&garden));
    }
    garden.agent_ids = vec![bob.clone()];
    garden.manager_type = ManagerType::Sleeptime;
    profile.write(|w| w.update_group(&garden));
    assert_eq!(profile.read(|r| r.group(&garden.id)), Some(garden.clone()));
    assert_eq!(profile.read(|r| r.groups_of_agent(&cleo)), []);
    let listed =
        |manager_type| profile.read(|r| r.list_groups(&GroupListing { manager_type, ..GroupListing::default() })).len();
    assert_eq!((listed(None), listed(Some(ManagerType::Sleeptime)), listed(Some(ManagerType::Supervisor))), (1, 1, 0));
    profile.write(|w| w.set_group_deleted(&garden.id, Some(NOW_MS)));
    assert_eq!((listed(None), profile.read(|r| r.groups_of_agent(&bob)).len()), (0, 0));
}

#[test]
fn a_group_with_somebody_who_is_not_there_is_refused() {
    let profile = Profile::new();
    let ada = profile.agent("Ada");
    let nobody = profile.store().write(|w| w.insert_group(&group(ManagerType::Dynamic, &[&ada, &AgentId::new()])));
    assert!(matches!(nobody, Err(StoreError::NotFound { what: "agent", .. })), "{nobody:?}");
    let twice = profile.store().write(|w| w.insert_group(&group(ManagerType::Dynamic, &[&ada, &ada])));
    assert!(matches!(twice, Err(StoreError::Duplicate { .. })), "{twice:?}");
    assert_eq!(profile.read(|r| r.list_groups(&GroupListing::default())), []);
}

/// Says something in a group, or tells it anew to another agent.
fn said(profile: &Profile, group: &Group, new: NewMessage, origin: Option<&Message>) -> Message {
    let origin_id: Option<MessageId> = origin.map(|origin| origin.id.clone());
    let new = NewMessage { group_id: Some(group.id.clone()), origin_id, ..new };
    profile.write(|w| w.append_message(&new))
}

#[test]
fn what_is_said_in_a_group_is_read_once_and_told_to_each() {
    let profile = Profile::new();
    let (ada, bob) = (profile.agent("Ada"), profile.agent("Bob"));
    let garden = group(ManagerType::RoundRobin, &[&ada, &bob]);
    profile.write(|w| w.insert_group(&garden));
    let texts = |messages: Vec<Message>| messages.into_iter().map(|said| said.content).collect::<Vec<_>>();
    let unheard = |of: &AgentId| texts(profile.read(|r| r.unheard_in_group(&garden.id, of)));

    let asked = said(&profile, &garden, message(&ada, Role::User, "What shall we sow?"), None);
    said(&profile, &garden, message(&ada, Role::Tool, "a result"), None);
    let beans = said(&profile, &garden, message(&ada, Role::Assistant, "Beans."), None);
    profile.say(&ada, Role::Assistant, "Not in the group.");
    assert_eq!(unheard(&bob), ["What shall we sow?", "Beans."]);
    assert!(unheard(&ada).is_empty());
    said(&profile, &garden, message(&bob, Role::User, "What shall we sow?"), Some(&asked));
    said(&profile, &garden, message(&bob, Role::User, "Beans."), Some(&beans));
    said(&profile, &garden, message(&bob, Role::Assistant, "Peas too."), None);
    assert_eq!(unheard(&ada), ["Peas too."]);
    assert!(unheard(&bob).is_empty());
    let all = ["What shall we sow?", "Beans.", "Peas too."];
    assert_eq!(texts(profile.read(|r| r.said_in_group(&garden.id, None, 10))), all);
    assert_eq!(texts(profile.read(|r| r.said_in_group(&garden.id, Some(beans.seq), 1))), all[..1]);
}

#[test]
fn letters_wait_for_an_agent_and_are_read_once() {
    let mut profile = Profile::new();
    let (ada, bob) = (profile.agent("Ada"), profile.agent("Bob"));
    for text in ["first", "second"] {
        profile.write(|w| w.insert_letter(&ada, &bob, text, NOW_MS));
    }
    profile.reopen().unwrap();
    assert_eq!(profile.read(|r| r.agents_with_letters()), std::slice::from_ref(&bob));
    let letters = profile.read(|r| r.letters_to(&bob));
    assert_eq!(letters.iter().map(|letter| letter.text.as_str()).collect::<Vec<_>>(), ["first", "second"]);
    profile.write(|w| w.delete_letter(letters[0].key));
    assert_eq!(profile.read(|r| r.letters_to(&bob)).len(), 1);
    profile.write(|w| w.set_agent_deleted(&bob, Some(NOW_MS)));
    assert_eq!(profile.read(|r| r.agents_with_letters()), []);
}
