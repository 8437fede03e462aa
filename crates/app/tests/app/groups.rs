//! Agents that work together, through the API: who speaks when, who hears what, who asks whom, and memory that others tidy.

use std::sync::Mutex;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use resident_app::api::ErrorCode;
use resident_app::records::AgentChanges;
use resident_store::{AgentId, Store, SystemClock};
use serde_json::{Value, json};

use crate::endpoint::server::{Reply, Server};
use crate::endpoint::{body, calls, json_reply, says};
use crate::{PATIENCE, Profile};

/// An endpoint at which each agent answers as `script` says: it is given the agent's name, and what it reads last.
fn company(script: impl Fn(&str, &str) -> Reply + Send + Sync + 'static) -> Server {
    Server::start(move |request| {
        if !request.path.ends_with("/chat/completions") {
            return json_reply(404, &json!({}));
        }
        let body = body(request);
        let messages = body["messages"].as_array().expect("messages");
        let system = messages[0]["content"].as_str().unwrap_or_default();
        let tidies = system.contains("I keep the memory blocks");
        let name = if tidies {
            Some("Tidier")
        } else {
            system.split("I am agent ").nth(1).and_then(|rest| rest.split('.').next())
        };
        let name = name.unwrap_or("nobody");
        let read = messages.last().and_then(|last| last["content"].as_str()).unwrap_or_default();
        script(name, read)
    })
}

impl Profile {
    fn agent_called(&self, name: &str) -> String {
        let made = self.call("createAgent", json!({ "name": name, "persona": format!("I am agent {name}.") }));
        made["id"].as_str().expect("an id").to_owned()
    }

    fn group(&self, group: Value) -> String {
        self.call("createGroup", group)["id"].as_str().expect("an id").to_owned()
    }

    /// Says something to a group and waits until it is done.
    fn talk(&self, group: &str, text: &str) {
        self.call("sendToGroup", json!({ "groupId": group, "text": text }));
        self.wait_for(|| !self.group_view(group)["running"].as_bool().unwrap_or(true), "the group falls silent");
    }

    fn group_view(&self, group: &str) -> Value {
        let groups = self.call("listGroups", json!({}));
        groups.as_array().expect("a list").iter().find(|found| found["id"] == group).expect("it is there").clone()
    }

    /// What was said in a group, as "name: content".
    fn said_in(&self, group: &str) -> Vec<String> {
        let page = self.call("listGroupMessages", json!({ "groupId": group, "limit": 100 }));
        let agents = self.call("listAgents", json!({}));
        let name = |id: &Value| {
            let agent = agents.as_array().expect("a list").iter().find(|agent| agent["id"] == *id);
            agent.map_or("?", |agent| agent["name"].as_str().unwrap_or_default()).to_owned()
        };
        let line = |message: &Value| {
            let by = match (&message["role"], &message["senderId"]) {
                (role, _) if role == "Assistant" => name(&message["agentId"]),
                (_, Value::Null) => "User".to_owned(),
                (_, sender) => name(sender),
            };
            format!("{by}: {}", message["content"].as_str().unwrap_or_default())
        };
        page["messages"].as_array().expect("a list").iter().map(line).collect()
    }

    /// What an agent has in its own thread, as "role: content".
    fn thread_of(&self, agent: &str) -> Vec<String> {
        let page = self.call("listMessages", json!({ "agentId": agent, "limit": 100 }));
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let line = |message: &Value| format!("{}: {}", text(&message["role"]), text(&message["content"]));
        page["messages"].as_array().expect("a list").iter().map(line).collect()
    }

    fn wait_for(&self, met: impl Fn() -> bool, what: &str) {
        let deadline = Instant::now() + PATIENCE;
        while !met() {
            assert!(Instant::now() < deadline, "in time: {what}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

#[test]
fn in_a_round_robin_each_speaks_and_hears_what_was_said_before() {
    let server = company(|name, read| {
        let heard = read.lines().filter(|line| line.contains(": ")).count();
        says(&format!("{name} heard {heard}."))
    });
    let profile = Profile::with_model_at(&server);
    let ids: Vec<String> = ["Ada", "Bob", "Cleo"].iter().map(|name| profile.agent_called(name)).collect();
    let garden = profile.group(json!({ "kind": "RoundRobin", "description": "A garden.", "agentIds": ids }));
    profile.talk(&garden, "What shall we sow?");
    let said = profile.said_in(&garden);
    assert_eq!(said[0], "User: What shall we sow?");
    assert_eq!(said.len(), 4, "{said:?}");
    for (line, name) in said[1..].iter().zip(["Ada", "Bob", "Cleo"]) {
        assert!(line.starts_with(&format!("{name}: {name} heard")), "{said:?}");
    }
    let cleos = profile.thread_of(&ids[2]);
    assert!(cleos[0].starts_with("System: You are now in a group with the user."), "{cleos:?}");
    assert!(cleos[0].contains("A garden.") && cleos[0].contains("Ada, Bob"), "{cleos:?}");
    assert_eq!(cleos[1], "User: What shall we sow?");
    assert_eq!(cleos.len(), 5, "the question, two answers, its own: {cleos:?}");

    profile.talk(&garden, "And when?");
    assert_eq!(profile.said_in(&garden).len(), 8);
    let adas = profile.thread_of(&ids[0]);
    assert_eq!(adas.iter().filter(|line| line.starts_with("System")).count(), 1, "told once: {adas:?}");
    assert!(adas.iter().any(|line| line.contains("Cleo heard")), "{adas:?}");
}

#[test]
fn a_supervisor_asks_the_others_and_answers_the_user() {
    let server = company(|name, read| match name {
        "Mona" if read.contains("response") => says("Beans, they say."),
        "Mona" => calls("send_message_to_all_agents_in_group", &json!({ "message": "What do you think?" })),
        name => says(&format!("{name} thinks beans.")),
    });
    let profile = Profile::with_model_at(&server);
    let (mona, ada, bob) = (profile.agent_called("Mona"), profile.agent_called("Ada"), profile.agent_called("Bob"));
    let group = json!({ "kind": "Supervisor", "description": "", "agentIds": [ada, bob], "managerId": mona });
    let garden = profile.group(group);
    profile.talk(&garden, "What shall we sow?");
    let expected = [
        "User: What shall we sow?",
        "Mona: What do you think?",
        "Ada: Ada thinks beans.",
        "Bob: Bob thinks beans.",
        "Mona: Beans, they say.",
    ];
    assert_eq!(profile.said_in(&garden), expected);
    let plain = profile.call("getAgent", json!({ "agentId": mona }));
    assert!(!plain["tools"].to_string().contains("in_group"), "the tool is there in the group alone");
}

#[test]
fn in_a_dynamic_group_the_manager_says_who_speaks_until_nobody_need() {
    let server = company(|name, read| match name {
        "Mona" if read.contains("Bob: ") => calls("choose_next_speaker", &json!({ "name": "nobody" })),
        "Mona" => calls("choose_next_speaker", &json!({ "name": "Bob" })),
        name => says(&format!("{name} says beans.")),
    });
    let profile = Profile::with_model_at(&server);
    let (mona, ada, bob) = (profile.agent_called("Mona"), profile.agent_called("Ada"), profile.agent_called("Bob"));
    let group =
        json!({ "kind": "Dynamic", "description": "", "agentIds": [ada, bob], "managerId": mona, "maxTurns": 9 });
    let garden = profile.group(group);
    profile.talk(&garden, "What shall we sow?");
    assert_eq!(profile.said_in(&garden), ["User: What shall we sow?", "Bob: Bob says beans."]);
}

#[test]
fn an_agent_asks_another_by_name_and_two_never_wait_for_each_other() {
    let server = company(|name, read| match name {
        "Abe" if read.contains("response") => says("Bob says it is at nine."),
        "Abe" => calls(
            "send_message_to_agent_and_wait_for_reply",
            &json!({ "message": "When is the train?", "other_agent_id": "bob" }),
        ),
        "Bob" if read.contains("waits for your answer") => says("At nine."),
        _ => calls(
            "send_message_to_agent_and_wait_for_reply",
            &json!({ "message": "You know?", "other_agent_id": "Abe" }),
        ),
    });
    let profile = Profile::with_model_at(&server);
    let (ada, bob) = (profile.agent_called("Abe"), profile.agent_called("Bob"));
    for agent in [&ada, &bob] {
        let tools = json!(["send_message_to_agent_and_wait_for_reply"]);
        profile.call("updateAgent", json!({ "agentId": agent, "tools": tools }));
    }
    let reader = profile.reader();
    let turn = profile.call("sendMessage", json!({ "agentId": ada, "text": "Ask Bob when the train goes." }));
    crate::ended(&reader, turn["id"].as_str().expect("an id"));
    let adas = profile.thread_of(&ada);
    assert_eq!(adas.last().map(String::as_str), Some("Assistant: Bob says it is at nine."), "{adas:?}");
    assert!(adas.iter().any(|line| line.contains("At nine.")), "{adas:?}");
    let bobs = profile.thread_of(&bob);
    assert!(bobs[0].starts_with("System: Abe, another agent of the user, asks you something."), "{bobs:?}");
    assert_eq!(bobs[1], "User: When is the train?");
    assert_eq!(bobs.last().map(String::as_str), Some("Assistant: At nine."));
}

#[test]
fn what_an_agent_is_told_it_hears_also_after_the_program_ended() {
    let server = company(|_, _| says("I see."));
    let profile = Profile::with_model_at(&server);
    let (ada, bob) = (profile.agent_called("Ada"), profile.agent_called("Bob"));
    let folder = profile.app.profile_folder();
    profile.app.shutdown();
    let Profile { app, folder: kept } = profile;
    drop(app);
    let store = Store::open(&folder, std::sync::Arc::new(SystemClock)).expect("it opens");
    let (from, to) = (AgentId::from(ada.as_str()), AgentId::from(bob.as_str()));
    store.write(|w| w.insert_letter(&from, &to, "The train goes at nine.", 1)).expect("it is kept");
    drop(store);
    let profile = Profile { app: crate::open(&kept).expect("it opens"), folder: kept };
    let heard = || profile.thread_of(&bob).iter().any(|line| line == "User: The train goes at nine.");
    profile.wait_for(heard, "the letter is heard");
    profile
        .wait_for(|| profile.thread_of(&bob).last().is_some_and(|line| line == "Assistant: I see."), "it is answered");
    assert_eq!(profile.thread_of(&bob).iter().filter(|line| line.contains("at nine")).count(), 1);
}

#[test]
fn agents_with_certain_tags_are_asked_at_once() {
    let server = company(|name, read| match name {
        "Abe" if read.contains("response") => says("Both like beans."),
        "Abe" => calls(
            "send_message_to_agents_matching_tags",
            &json!({ "message": "Beans?", "match_all": ["garden"], "match_some": [] }),
        ),
        name => says(&format!("{name} likes beans.")),
    });
    let profile = Profile::with_model_at(&server);
    let abe = profile.agent_called("Abe");
    profile.call("updateAgent", json!({ "agentId": abe, "tools": ["send_message_to_agents_matching_tags"] }));
    for (name, tags) in [("Bob", vec!["garden"]), ("Cleo", vec!["garden", "south"]), ("Dora", vec!["kitchen"])] {
        let id = profile.agent_called(name);
        let tags = Some(tags.into_iter().map(str::to_owned).collect());
        profile.app.update_agent_record(&id, AgentChanges { tags, ..AgentChanges::default() }).expect("it is changed");
    }
    let reader = profile.reader();
    let turn = profile.call("sendMessage", json!({ "agentId": abe, "text": "Ask the gardeners." }));
    crate::ended(&reader, turn["id"].as_str().expect("an id"));
    let told = profile.thread_of(&abe).join("\n");
    assert!(told.contains("Bob likes beans.") && told.contains("Cleo likes beans."), "{told}");
    assert!(!told.contains("Dora"), "{told}");
}

#[test]
fn an_edit_of_lines_that_somebody_changed_meanwhile_is_reported_to_the_model() {
    let (asked, wait_for_question) = channel();
    let (edited, wait_for_edit) = channel();
    let (asked, wait_for_edit) = (Mutex::new(asked), Mutex::new(wait_for_edit));
    let server = company(move |_, read| {
        if read.contains("It now says") {
            assert!(read.contains("the user changed memory block") && read.contains("Lives in Rome."), "{read}");
            return says("I see that you wrote it down already.");
        }
        // While the model thinks, the user edits the block.
        asked.lock().expect("no handler panics").send(()).expect("the test waits");
        wait_for_edit.lock().expect("no handler panics").recv_timeout(PATIENCE).expect("the test edits");
        let replace = json!({ "label": "human", "old_content": "Lives in Oslo.", "new_content": "Lives in Bergen." });
        calls("core_memory_replace", &replace)
    });
    let profile = Profile::with_model_at(&server);
    let human = json!({ "name": "Abe", "human": "Likes tea.\nLives in Oslo." });
    let abe = profile.call("createAgent", human)["id"].as_str().expect("an id").to_owned();
    let reader = profile.reader();
    let turn = profile.call("sendMessage", json!({ "agentId": abe, "text": "I moved." }));
    wait_for_question.recv_timeout(PATIENCE).expect("the model is asked");
    let blocks = profile.call("listBlocks", json!({ "agentId": abe, "deleted": false }));
    let block = blocks.as_array().expect("a list").iter().find(|block| block["label"] == "human").expect("it is there");
    profile.call("updateBlock", json!({ "blockId": block["id"], "value": "Likes tea.\nLives in Rome." }));
    edited.send(()).expect("the model waits");
    crate::ended(&reader, turn["id"].as_str().expect("an id"));
    assert_eq!(
        profile.thread_of(&abe).last().map(String::as_str),
        Some("Assistant: I see that you wrote it down already.")
    );
    assert_eq!(human_of(&profile, &abe).0, "Likes tea.\nLives in Rome.");
}

#[test]
fn memory_is_tidied_too_when_nobody_talks() {
    let server = company(|name, _| match name {
        "Tidier" => calls("memory_finish_edits", &json!({})),
        _ => says("I see."),
    });
    let folder = tempfile::tempdir().expect("a temporary folder");
    let app = crate::open_with(&folder, |options| options.tidy_after = Duration::from_millis(300)).expect("it opens");
    let profile = Profile { app, folder };
    profile.use_model_at(&server);
    let ada = profile.agent_called("Ada");
    let made = profile.call("setSleeptime", json!({ "agentId": ada, "enabled": true, "everyTurns": 100 }));
    let (group, tidier) = (made["group"]["id"].as_str().expect("it"), made["agents"][0]["id"].as_str().expect("it"));
    let reader = profile.reader();
    let turn = profile.call("sendMessage", json!({ "agentId": ada, "text": "I moved to Oslo." }));
    crate::ended(&reader, turn["id"].as_str().expect("an id"));
    profile.wait_for(|| profile.thread_of(tidier).iter().any(|line| line.contains("I moved to Oslo.")), "it is told");
    profile.wait_for(|| profile.group_view(group)["running"] == false, "it is done");
    assert_eq!(profile.group_view(group)["waitingTurns"], 0);
    std::thread::sleep(Duration::from_millis(900));
    let told = profile.thread_of(tidier).iter().filter(|line| line.starts_with("System")).count();
    assert_eq!(told, 1, "nothing new was said");
}

#[test]
fn a_group_that_cannot_be_is_refused() {
    let profile = Profile::new();
    profile.call("startProfile", json!({ "userName": "Nick" }));
    let (ada, bob) = (profile.agent_called("Ada"), profile.agent_called("Bob"));
    for (group, words) in [
        (json!({ "kind": "RoundRobin", "description": "", "agentIds": [] }), "at least one"),
        (json!({ "kind": "RoundRobin", "description": "", "agentIds": [ada, ada] }), "once"),
        (json!({ "kind": "RoundRobin", "description": "", "agentIds": [ada], "managerId": bob }), "nobody leads"),
        (json!({ "kind": "Dynamic", "description": "", "agentIds": [ada] }), "leads"),
        (json!({ "kind": "Supervisor", "description": "", "agentIds": [ada], "managerId": ada }), "not one of those"),
        (json!({ "kind": "RoundRobin", "description": "", "agentIds": [ada], "maxTurns": 0 }), "between 1 and"),
    ] {
        let error = profile.refused("createGroup", group);
        assert!(error.code == ErrorCode::Invalid && error.message.contains(words), "{error}");
    }
    let nobody = json!({ "kind": "RoundRobin", "description": "", "agentIds": ["agent-of-nobody"] });
    assert_eq!(profile.refused("createGroup", nobody).code, ErrorCode::NotFound);
    assert_eq!(profile.call("listGroups", json!({})), json!([]));
}

/// The text of the human block of an agent, and the actors of its revisions with their texts, newest first.
fn human_of(profile: &Profile, agent: &str) -> (String, Vec<(String, String)>) {
    let blocks = profile.call("listBlocks", json!({ "agentId": agent, "deleted": false }));
    let human = blocks.as_array().expect("a list").iter().find(|block| block["label"] == "human").expect("it is there");
    let revisions = profile.call("listRevisions", json!({ "blockId": human["id"] }));
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let all = revisions.as_array().expect("a list").iter();
    let by = |revision: &Value| {
        let name = &revision["provenance"]["agentName"];
        if name.is_null() { text(&revision["provenance"]["actor"]) } else { text(name) }
    };
    (text(&human["value"]), all.map(|revision| (by(revision), text(&revision["after"]))).collect())
}

#[test]
fn after_so_many_turns_memory_is_tidied_and_what_the_user_wrote_stays() {
    let asked = Mutex::new(0);
    let server = company(move |name, read| {
        if name != "Tidier" {
            return says("I see.");
        }
        // The agent that tidies: it drops what the user wrote, is told, and keeps it.
        let mut asked = asked.lock().expect("no handler panics");
        *asked += 1;
        let rethink = |text: &str| calls("memory_rethink", &json!({ "label": "human", "new_memory": text }));
        match *asked {
            1 => {
                assert!(read.contains("User: I moved to Oslo."), "{read}");
                rethink("Nick lives in Oslo and likes tea.")
            }
            2 => {
                assert!(read.contains("by hand") && read.contains("Allergic to nuts!"), "{read}");
                rethink("Nick lives in Oslo and likes tea.\nAllergic to nuts!")
            }
            _ => calls("memory_finish_edits", &json!({})),
        }
    });
    let profile = Profile::with_model_at(&server);
    let nick = "Likes tea.\nNick likes tea.\nlikes tea\nLives in Bergen.";
    let ada = profile.call("createAgent", json!({ "name": "Ada", "persona": "I am agent Ada.", "human": nick }));
    let ada = ada["id"].as_str().expect("an id").to_owned();
    let blocks = profile.call("listBlocks", json!({ "agentId": ada, "deleted": false }));
    let human_id =
        blocks.as_array().expect("a list").iter().find(|block| block["label"] == "human").expect("it")["id"].clone();
    profile.call("updateBlock", json!({ "blockId": human_id, "value": format!("{nick}\nAllergic to nuts!") }));
    let made = profile.call("setSleeptime", json!({ "agentId": ada, "enabled": true, "everyTurns": 2 }));
    let group = made["group"]["id"].as_str().expect("a group").to_owned();
    assert_eq!(made["agents"][0]["name"], "Ada-sleeptime");
    let (before, _) = human_of(&profile, &ada);

    for text in ["Hello.", "I moved to Oslo."] {
        let reader = profile.reader();
        let turn = profile.call("sendMessage", json!({ "agentId": ada, "text": text }));
        crate::ended(&reader, turn["id"].as_str().expect("an id"));
    }
    profile.wait_for(|| human_of(&profile, &ada).0 != before, "memory is tidied");
    profile.wait_for(|| profile.group_view(&group)["running"] == false, "it is done");
    let (after, revisions) = human_of(&profile, &ada);
    assert_eq!(after, "Nick lives in Oslo and likes tea.\nAllergic to nuts!");
    assert_eq!(revisions[0].0, "Ada-sleeptime");
    assert!(revisions[1].1.contains("Lives in Bergen."), "what went is in the revisions: {revisions:?}");
    let untidiness = |text: &str| resident_agent::untidiness(text);
    assert!(untidiness(&before) > 0.3 && untidiness(&after) == 0.0, "{} {}", untidiness(&before), untidiness(&after));
    assert_eq!(profile.group_view(&group)["waitingTurns"], 0);

    profile.call("setSleeptime", json!({ "agentId": ada, "enabled": false }));
    assert_eq!(profile.call("listGroups", json!({})), json!([]));
    let names = profile.call("listAgents", json!({})).to_string();
    assert!(!names.contains("Ada-sleeptime"), "{names}");
    assert_eq!(human_of(&profile, &ada).0, after, "its blocks stay");
}
