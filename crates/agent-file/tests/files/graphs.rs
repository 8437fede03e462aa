//! Graphs of every shape, as a property test makes them.

use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use resident_agent_file::{
    Agent, AgentFile, AgentSettings, Archive, Block, BlockRevision, Conversation, Extra, File, FileView, Folder, Group,
    Manager, Message, Part, Passage, Provenance, Resident, Role, Summary, Tool, ToolCall, ToolReturn,
};
use serde_json::{Value, json};

fn text() -> impl Strategy<Value = String> {
    prop_oneof![3 => "[a-z ]{0,12}", 1 => "\\PC{0,12}", 1 => Just("{\"a\":\"\\\\ud83d\"}".to_owned())]
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_filter("JSON has no others", |n| n.is_finite()).prop_map(Value::from),
        text().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..3).prop_map(Value::from),
            btree_map("[a-z_]{1,8}", inner, 0..3).prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// Keys that no field has.
fn extra() -> impl Strategy<Value = Extra> {
    btree_map("x_[a-z]{1,6}", value(), 0..3).prop_map(|map| map.into_iter().collect())
}

fn part() -> impl Strategy<Value = Part> {
    prop_oneof![
        3 => (text(), extra()).prop_map(|(text, extra)| Part::Text { text, extra }),
        1 => (text(), extra()).prop_map(|(reasoning, extra)| Part::Reasoning { reasoning, extra }),
        1 => extra().prop_map(|mut extra| {
            extra.insert("type".to_owned(), json!("hologram"));
            Part::Other(extra)
        }),
    ]
}

fn message() -> impl Strategy<Value = Message> {
    let role = prop_oneof![
        Just(Role::System),
        Just(Role::User),
        Just(Role::Assistant),
        Just(Role::Tool),
        Just(Role::Approval),
        Just(Role::Summary)
    ];
    let call = (text(), text(), text(), extra()).prop_map(|(id, name, arguments, extra)| ToolCall {
        id,
        name,
        arguments,
        extra,
    });
    let result = (option::of(text()), any::<bool>(), option::of(text()), vec(text(), 0..2)).prop_map(
        |(tool_call_id, succeeded, response, stdout)| ToolReturn {
            tool_call_id,
            succeeded,
            response: response.map(Value::from),
            stdout,
            ..ToolReturn::default()
        },
    );
    let ms = option::of(0..4_000_000_000_000_i64);
    (role, vec(part(), 0..3), vec(call, 0..2), vec(result, 0..2), ms, option::of("turn-[0-3]"), extra()).prop_map(
        |(role, content, tool_calls, tool_returns, ms, turn_id, extra)| Message {
            role,
            content,
            tool_calls,
            tool_returns,
            created_at: ms.map(resident_agent_file::time::text_of),
            turn_id,
            extra,
            ..Message::default()
        },
    )
}

/// Messages with ids that no other thread has, and some of them in context.
fn thread(name: &'static str) -> impl Strategy<Value = (Vec<Message>, Vec<String>)> {
    vec((message(), any::<bool>()), 0..5).prop_map(move |messages| {
        let mut in_context = Vec::new();
        let named = messages.into_iter().enumerate().map(|(at, (mut message, is_in))| {
            message.id = format!("{name}{at}");
            if is_in {
                in_context.push(message.id.clone());
            }
            message
        });
        (named.collect(), in_context)
    })
}

fn provenance() -> impl Strategy<Value = Provenance> {
    (option::of(Just("a".to_owned())), option::of("turn-[0-3]"), option::of(text())).prop_map(
        |(agent_id, turn_id, tool)| Provenance {
            actor: "agent".to_owned(),
            agent_id,
            turn_id,
            tool,
            ..Provenance::default()
        },
    )
}

fn resident() -> impl Strategy<Value = Resident> {
    let passage = (text(), vec(text(), 0..3), provenance(), any::<i64>(), option::of(any::<i64>()), extra()).prop_map(
        |(text, tags, provenance, created_at_ms, valid_to_ms, extra)| Passage {
            text,
            tags,
            provenance,
            created_at_ms,
            valid_to_ms,
            extra,
            ..Passage::default()
        },
    );
    let revision = (text(), provenance()).prop_map(|(after, provenance)| (after, provenance));
    (vec(passage, 0..4), vec(revision, 0..3), thread("c"), extra(), text()).prop_map(
        |(mut passages, revisions, (messages, in_context_message_ids), extra, summary)| {
            passages.iter_mut().enumerate().for_each(|(at, passage)| passage.id = format!("p{at}"));
            if let [first, .., last] = passages.as_mut_slice() {
                first.superseded_by = Some(last.id.clone());
            }
            let first_message_id = messages.first().map(|message| message.id.clone());
            let conversation =
                Conversation { id: "c".to_owned(), messages, in_context_message_ids, ..Conversation::default() };
            let summary =
                Summary { text: summary, kind: "recursive".to_owned(), first_message_id, ..Summary::default() };
            Resident {
                agents: vec![AgentSettings {
                    agent_id: "a".to_owned(),
                    summaries: vec![summary],
                    conversations: vec![conversation],
                    ..AgentSettings::default()
                }],
                archives: vec![Archive {
                    id: "r".to_owned(),
                    owner_id: Some("a".to_owned()),
                    agent_ids: vec!["a".to_owned()],
                    passages,
                    ..Archive::default()
                }],
                block_revisions: revisions
                    .into_iter()
                    .enumerate()
                    .map(|(at, (after, provenance))| BlockRevision {
                        block_id: "b".to_owned(),
                        number: i64::try_from(at).expect("there are few") + 1,
                        after,
                        provenance,
                        ..BlockRevision::default()
                    })
                    .collect(),
                extra,
            }
        },
    )
}

/// Files with two agents and something of everything.
pub(crate) fn file() -> impl Strategy<Value = AgentFile> {
    let agent =
        (text(), option::of(text()), thread("m"), btree_map("[A-Z_]{1,8}", text(), 0..3), extra(), vec(extra(), 0..2));
    (agent, (text(), text(), extra()), (text(), extra(), extra()), resident(), extra(), extra()).prop_map(
        |(
            (name, system, (messages, in_context_message_ids), secrets, extra, tool_rules),
            (label, value, of_block),
            (content, of_file, of_tool),
            resident,
            metadata,
            of_all,
        )| {
            let agent = Agent {
                id: "a".to_owned(),
                name: format!("A{name}"),
                agent_type: "memgpt_agent".to_owned(),
                system,
                block_ids: vec!["b".to_owned()],
                tool_ids: vec!["t".to_owned()],
                tool_names: vec!["send_message".to_owned()],
                folder_ids: vec!["f".to_owned()],
                file_views: vec![FileView {
                    file_id: "file".to_owned(),
                    file_name: "a.md".to_owned(),
                    ..FileView::default()
                }],
                group_ids: vec!["g".to_owned()],
                messages,
                in_context_message_ids,
                secrets,
                tool_rules,
                extra,
                ..Agent::default()
            };
            let manager =
                Manager { kind: "sleeptime".to_owned(), agent_id: Some("a".to_owned()), ..Manager::default() };
            AgentFile {
                agents: vec![
                    agent,
                    Agent {
                        id: "z".to_owned(),
                        name: "Z".to_owned(),
                        agent_type: "sleeptime_agent".to_owned(),
                        ..Agent::default()
                    },
                ],
                groups: vec![Group {
                    id: "g".to_owned(),
                    agent_ids: vec!["z".to_owned()],
                    manager,
                    ..Group::default()
                }],
                blocks: vec![Block {
                    id: "b".to_owned(),
                    label: format!("l{label}"),
                    value,
                    extra: of_block,
                    ..Block::default()
                }],
                files: vec![File {
                    id: "file".to_owned(),
                    folder_id: "f".to_owned(),
                    name: "a.md".to_owned(),
                    content: Some(content),
                    extra: of_file,
                    ..File::default()
                }],
                folders: vec![Folder { id: "f".to_owned(), name: "Folder".to_owned(), ..Folder::default() }],
                tools: vec![Tool {
                    id: "t".to_owned(),
                    name: "tool".to_owned(),
                    tool_type: "custom".to_owned(),
                    extra: of_tool,
                    ..Tool::default()
                }],
                metadata,
                resident,
                extra: of_all,
                ..AgentFile::default()
            }
        },
    )
}
