//! What agents that work together are told, and who speaks next. Whoever runs a group takes the turns one after the other
//! and carries what is said from one thread to the next; every decision is here.

use resident_store::{Agent, AgentId, Message, Role};
use serde_json::json;

use crate::guidance::word_sequence;
use crate::model::{Generation, Prompt, PromptMessage, ToolChoice, ToolSchema};
use crate::turns::Said;

/// The kind of note that tells an agent who talks to it.
pub const COMPANY_NOTE: &str = "company";

/// The tool with which the manager of a dynamic group says who speaks next; it has no other use.
const CHOOSE: &str = "choose_next_speaker";

/// The choice that nobody need speak any more.
const NOBODY: &str = "nobody";

/// How much of a talk the manager of a dynamic group reads to choose, in characters, from its end.
const LONGEST_TALK_CHARS: usize = 12_000;

/// What an agent is told when it comes into the talk of a group.
pub fn group_note(description: &str, others: &[&str]) -> Said {
    let about = description.trim();
    let about = if about.is_empty() { String::new() } else { format!(" What it is for: {about}") };
    let others = if others.is_empty() { "nobody else".to_owned() } else { others.join(", ") };
    let text = format!(
        "You are now in a group with the user. The others in it: {others}.{about} What you say, all of them hear. Speak for \
         yourself alone."
    );
    Said::note(COMPANY_NOTE, &text)
}

/// What an agent is told that another asks; that one waits for the answer when `waits`.
pub fn asked_note(from: &Agent, waits: bool) -> Said {
    let name = &from.name;
    let text = if waits {
        format!("{name}, another agent of the user, asks you something. What you answer goes to {name}.")
    } else {
        format!("{name}, another agent of the user, tells you something and does not wait for an answer.")
    };
    Said::note(COMPANY_NOTE, &text)
}

/// Who speaks next in a dynamic group, where no model is asked: who is named in the last thing said, else whoever has not
/// spoken since the user did, in the order of the group. `None` when all have.
pub fn next_by_rule<'a>(members: &'a [Agent], said: &[Message]) -> Option<&'a Agent> {
    let since = said.iter().rposition(|message| message.role == Role::User).unwrap_or(0);
    let has_spoken = |agent: &&Agent| {
        said[since..].iter().any(|message| message.role == Role::Assistant && message.agent_id == agent.id)
    };
    let named = said.last().and_then(|last| {
        let words = word_sequence(&last.content);
        let is_named = |agent: &&Agent| {
            let name = word_sequence(&agent.name);
            agent.id != speaker(last) && !name.is_empty() && words.windows(name.len()).any(|part| part == name)
        };
        members.iter().find(is_named)
    });
    named.filter(|agent| !has_spoken(agent)).or_else(|| members.iter().find(|agent| !has_spoken(agent)))
}

/// Who said a message, where an agent did.
fn speaker(message: &Message) -> AgentId {
    match message.role {
        Role::Assistant => message.agent_id.clone(),
        Role::System | Role::User | Role::Tool => AgentId(message.sender_id.clone().unwrap_or_default()),
    }
}

/// The question to the manager of a dynamic group who is to speak next. `system` is the manager's own prompt.
pub fn speaker_prompt(system: String, description: &str, members: &[Agent], said: &[Message]) -> Prompt {
    let names: Vec<&str> = members.iter().map(|agent| agent.name.as_str()).chain([NOBODY]).collect();
    let about = members.iter().map(|agent| match agent.description.trim() {
        "" => format!("- {}", agent.name),
        description => format!("- {}: {description}", agent.name),
    });
    let about: Vec<String> = about.collect();
    let question = format!(
        "You lead a group: {description}\nIn it are:\n{}\n\nThis was said:\n{}\n\nWho should speak next? Call {CHOOSE} with a \
         name, or with \"{NOBODY}\" when the user's question is answered. Do not answer it yourself.",
        about.join("\n"),
        talk(members, said),
    );
    let schema = ToolSchema {
        name: CHOOSE.to_owned(),
        description: "Says who speaks next in the group.".to_owned(),
        parameters: json!({
            "type": "object",
            "properties": { "name": { "type": "string", "enum": names, "description": "Who speaks next." } },
            "required": ["name"],
        }),
    };
    Prompt {
        system,
        messages: vec![PromptMessage::text(Role::User, question)],
        menu: vec![schema],
        tool_choice: ToolChoice::Required,
        describe_tools: true,
    }
}

/// What the manager of a dynamic group answered.
#[derive(Debug, Clone, PartialEq)]
pub enum NextSpeaker<'a> {
    /// This one.
    Speaks(&'a Agent),
    /// Nobody any more.
    Nobody,
    /// Nothing that can be read.
    Unclear,
}

/// Reads the answer to [`speaker_prompt`].
pub fn chosen_speaker<'a>(generation: &Generation, members: &'a [Agent]) -> NextSpeaker<'a> {
    let called = generation.tool_calls.iter().find(|call| call.name == CHOOSE);
    let Some(name) = called.and_then(|call| call.arguments["name"].as_str()) else { return NextSpeaker::Unclear };
    if name.eq_ignore_ascii_case(NOBODY) {
        return NextSpeaker::Nobody;
    }
    let named = members.iter().find(|agent| agent.name.eq_ignore_ascii_case(name.trim()) || agent.id.0 == name.trim());
    named.map_or(NextSpeaker::Unclear, NextSpeaker::Speaks)
}

/// The end of a talk, one line for each thing said.
fn talk(members: &[Agent], said: &[Message]) -> String {
    let name = |message: &Message| {
        let id = speaker(message);
        let member = members.iter().find(|agent| agent.id == id).map(|agent| agent.name.clone());
        member.or_else(|| message.name.clone()).unwrap_or_else(|| "User".to_owned())
    };
    let lines: Vec<String> = said.iter().map(|message| format!("{}: {}", name(message), message.content)).collect();
    let text = lines.join("\n");
    let cut = text.char_indices().rev().nth(LONGEST_TALK_CHARS - 1).map_or(0, |(at, _)| at);
    text[cut..].to_owned()
}

#[cfg(test)]
mod tests {
    use resident_store::{AgentType, ToolCall};

    use super::*;
    use crate::agents::default_agent;
    use crate::testing::message;

    fn members() -> Vec<Agent> {
        ["Ada", "Bob", "Cleo"].map(|name| default_agent(name, AgentType::LettaV1Agent, 0)).to_vec()
    }

    fn by(agent: &Agent, text: &str) -> Message {
        Message { agent_id: agent.id.clone(), ..message(Role::Assistant, text) }
    }

    #[test]
    fn who_is_named_speaks_next_and_then_whoever_has_not() {
        let members = members();
        let mut said = vec![message(Role::User, "Bob, what shall we sow?")];
        let mut order = Vec::new();
        while let Some(next) = next_by_rule(&members, &said) {
            order.push(next.name.clone());
            said.push(by(next, "Beans, I think."));
        }
        assert_eq!(order, ["Bob", "Ada", "Cleo"]);
        said.push(message(Role::User, "And when?"));
        assert_eq!(next_by_rule(&members, &said).unwrap().name, "Ada");
    }

    #[test]
    fn the_managers_choice_is_one_of_the_members_or_nobody() {
        let members = members();
        let answer = |name: &str| Generation {
            tool_calls: vec![ToolCall {
                id: "1".to_owned(),
                name: CHOOSE.to_owned(),
                arguments: json!({ "name": name }),
            }],
            ..Generation::default()
        };
        assert_eq!(chosen_speaker(&answer("bob"), &members), NextSpeaker::Speaks(&members[1]));
        assert_eq!(chosen_speaker(&answer("nobody"), &members), NextSpeaker::Nobody);
        assert_eq!(chosen_speaker(&answer("Dora"), &members), NextSpeaker::Unclear);
        assert_eq!(chosen_speaker(&Generation::default(), &members), NextSpeaker::Unclear);
        let prompt = speaker_prompt(String::new(), "A garden.", &members, &[message(Role::User, "What now?")]);
        assert!(prompt.messages[0].content.contains("User: What now?"));
        assert_eq!(prompt.menu[0].parameters["properties"]["name"]["enum"], json!(["Ada", "Bob", "Cleo", "nobody"]));
    }
}
