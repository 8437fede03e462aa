//! Threads of messages: an agent's own and its conversations, with their summaries, out of the store and into it.

use std::collections::HashMap;

use resident_agent_file::{self as graph, Extra};
use resident_store::{
    AgentId, Conversation, ConversationId, ConversationListing, Message, MessageId, Reader, Role, Summary, SummaryId,
    SummaryKind, Thread, Turn, TurnId, TurnStatus, Writer,
};
use serde_json::{Value, json};

use super::messages::{Place, message_of, rows_of};
use super::ours::object;
use crate::api::ApiError;

/// The messages of a thread, and the ids of those in its window.
pub(super) fn messages_of(
    reader: &Reader<'_>,
    thread: &Thread,
    by_call: bool,
) -> Result<(Vec<graph::Message>, Vec<String>), ApiError> {
    let start = reader.window_start(thread)?;
    let rows = reader.messages_after(thread, i64::MIN, usize::MAX)?;
    let in_context = rows.iter().filter(|row| row.seq >= start).map(|row| row.id.0.clone()).collect();
    Ok((rows.into_iter().map(|row| message_of(row, by_call)).collect(), in_context))
}

/// The conversations of an agent, oldest first.
pub(super) fn conversations_of(
    reader: &Reader<'_>,
    agent_id: &AgentId,
    by_call: bool,
) -> Result<Vec<graph::Conversation>, ApiError> {
    let listing = ConversationListing { agent_id: Some(agent_id.clone()), ..ConversationListing::default() };
    let rows = reader.list_conversations(&listing)?.into_iter();
    rows.map(|row| {
        let thread = Thread::from(&row);
        let (messages, in_context_message_ids) = messages_of(reader, &thread, by_call)?;
        Ok(graph::Conversation {
            id: row.id.0,
            name: row.name,
            messages,
            in_context_message_ids,
            block_ids: row.isolated_block_ids.into_iter().map(|id| id.0).collect(),
            summaries: summaries_of(reader, &thread)?,
            created_at_ms: Some(row.created_at_ms),
            extra: object(row.letta),
        })
    })
    .collect()
}

/// The summaries of a thread, oldest first.
pub(super) fn summaries_of(reader: &Reader<'_>, thread: &Thread) -> Result<Vec<graph::Summary>, ApiError> {
    let rows = reader.summaries(thread)?.into_iter();
    rows.map(|row| {
        let first = reader.messages_after(thread, row.window_start_seq - 1, 1)?.pop();
        Ok(graph::Summary {
            text: row.text,
            kind: match row.kind {
                SummaryKind::Recursive => "recursive",
                SummaryKind::Extractive => "extractive",
            }
            .to_owned(),
            first_message_id: first.map(|message| message.id.0),
            evicted_messages: row.evicted_messages,
            created_at_ms: row.created_at_ms,
            extra: Extra::new(),
        })
    })
    .collect()
}

/// A thread as a file has it.
pub(super) struct InFile<'f> {
    pub(super) messages: Vec<&'f graph::Message>,
    pub(super) in_context: &'f [String],
    pub(super) summaries: &'f [graph::Summary],
}

/// Writes messages, turns, window and summaries of a thread that is empty, and gives the ids of messages that are rows
/// here and no messages of the file.
pub(super) fn write_thread(
    writer: &mut Writer<'_>,
    place: &Place<'_>,
    from: &InFile<'_>,
    now_ms: i64,
) -> Result<Vec<MessageId>, ApiError> {
    let mut before_ms = now_ms;
    let mut recorded: Vec<Message> = Vec::new();
    let mut more = Vec::new();
    let mut seqs: HashMap<&str, i64> = HashMap::new();
    for message in &from.messages {
        for (at, row) in rows_of(message, place, before_ms).into_iter().enumerate() {
            before_ms = row.created_at_ms;
            let row = writer.append_message(&row)?;
            if at == 0 {
                seqs.insert(&message.id, row.seq);
            } else {
                more.push(row.id.clone());
            }
            recorded.push(row);
        }
    }
    write_turns(writer, place.thread, &recorded)?;
    let end = recorded.last().map_or(0, |last| last.seq + 1);
    let start = from.in_context.iter().find_map(|id| seqs.get(id.as_str())).copied();
    writer.set_window_start(place.thread, start.unwrap_or(end))?;
    for summary in from.summaries {
        let first = summary.first_message_id.as_deref().and_then(|id| seqs.get(id)).copied();
        writer.insert_summary(&Summary {
            id: SummaryId::new(),
            agent_id: place.thread.agent_id.clone(),
            conversation_id: place.thread.conversation_id.clone(),
            text: summary.text.replace('\0', ""),
            kind: if summary.kind == "extractive" { SummaryKind::Extractive } else { SummaryKind::Recursive },
            window_start_seq: first.unwrap_or(end),
            evicted_messages: summary.evicted_messages,
            created_at_ms: summary.created_at_ms,
        })?;
    }
    Ok(more)
}

/// The turns that messages name, as turns that came to their ends.
fn write_turns(writer: &mut Writer<'_>, thread: &Thread, messages: &[Message]) -> Result<(), ApiError> {
    let mut turns: Vec<(TurnId, Vec<&Message>)> = Vec::new();
    let mut places: HashMap<&TurnId, usize> = HashMap::new();
    for message in messages {
        let Some(id) = &message.turn_id else { continue };
        let at = *places.entry(id).or_insert_with(|| {
            turns.push((id.clone(), Vec::new()));
            turns.len() - 1
        });
        turns[at].1.push(message);
    }
    for (id, said) in turns {
        // A file may let two threads share a turn; it is the first one's.
        let (Some(first), Some(last), None) = (said.first(), said.last(), writer.turn(&id)?) else { continue };
        let began = said.iter().find(|message| message.role == Role::User).unwrap_or(first);
        writer.insert_turn(&Turn {
            id,
            agent_id: thread.agent_id.clone(),
            conversation_id: thread.conversation_id.clone(),
            message_id: Some(began.id.clone()),
            status: TurnStatus::Completed,
            stop_reason: Some("end_turn".to_owned()),
            error: None,
            request_key: None,
            options: json!({}),
            started_at_ms: first.created_at_ms,
            ended_at_ms: Some(last.created_at_ms),
        })?;
    }
    Ok(())
}

/// Writes a conversation and what was said in it.
pub(super) fn write_conversation(
    writer: &mut Writer<'_>,
    (agent_id, by_call): (&AgentId, bool),
    conversation: &graph::Conversation,
    now_ms: i64,
) -> Result<Vec<MessageId>, ApiError> {
    let created_at_ms = conversation.created_at_ms.unwrap_or(now_ms);
    let row = Conversation {
        id: ConversationId(conversation.id.clone()),
        agent_id: agent_id.clone(),
        name: conversation.name.clone(),
        letta: Value::Object(conversation.extra.clone()),
        isolated_block_ids: Vec::new(),
        window_start_seq: 0,
        created_at_ms,
        updated_at_ms: created_at_ms,
        last_message_at_ms: None,
        deleted_at_ms: None,
    };
    writer.insert_conversation(&row)?;
    for id in &conversation.block_ids {
        writer.keep_isolated(&row.id, &id.as_str().into())?;
    }
    let from = InFile {
        messages: conversation.messages.iter().collect(),
        in_context: &conversation.in_context_message_ids,
        summaries: &conversation.summaries,
    };
    write_thread(writer, &Place { thread: &Thread::from(&row), by_call }, &from, now_ms)
}
