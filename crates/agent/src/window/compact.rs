//! Compaction: evicts the oldest turns of the window and puts a new summary in their place. The messages stay in recall
//! memory; only where the window begins changes, in the same transaction as the summary.

use std::sync::Arc;

use resident_memory::Memory;
use resident_store::{Message, Role, Store, Summary, SummaryId, Thread};

use super::summarise::{SummaryRequest, summarise};
use super::{Window, cut, shown, turn_starts};
use crate::AgentError;
use crate::events::Compaction;
use crate::model::{Cancel, Guidance, LanguageModel};
use crate::settings::AgentSettings;

/// What is compacted, and with what.
pub(crate) struct CompactionRequest<'a> {
    pub(crate) memory: &'a Memory,
    pub(crate) model: &'a dyn LanguageModel,
    pub(crate) settings: &'a AgentSettings,
    pub(crate) thread: &'a Thread,
}

/// Evicts about half of the window. `None` when it holds a single turn.
///
/// # Errors
/// [`AgentError::Cancelled`] when the user stopped it before anything was changed; when the store fails.
pub(crate) fn compact(request: &CompactionRequest<'_>, cancel: &Cancel) -> Result<Option<Compaction>, AgentError> {
    let CompactionRequest { memory, model, settings, thread } = *request;
    let store: &Store = memory.store();
    let window_tokens = settings.window_tokens(model.info().context_window_tokens);
    let window = Window::load(store, thread)?.limit_files(window_tokens);
    let room_tokens = settings.compaction_tokens(window_tokens);
    let counted = |window: &Window| {
        let (window, frame) = window.clone().read_by(model, settings.zone());
        shown(model, &window, &frame, room_tokens).tokens
    };
    let tokens_before = counted(&window);
    let starts = turn_starts(&window.messages);
    let turn_tokens = tokens_of_turns(model, &window.messages, &starts);
    let in_turns: usize = turn_tokens.iter().sum();
    let beside_turns = tokens_before.saturating_sub(in_turns);
    // About half goes; more where what is beside the turns leaves less room.
    let room = room_tokens.saturating_sub(beside_turns);
    let evicted_turns = cut::turns_to_evict(&turn_tokens, (in_turns / 2).min(room / 2));
    let Some(first_kept) = (evicted_turns > 0).then(|| starts[evicted_turns]) else { return Ok(None) };
    let (evicted, kept) = window.messages.split_at(first_kept);
    let request = SummaryRequest {
        old_summary: window.summary.as_ref().map(|summary| summary.text.as_str()),
        evicted,
        window_tokens,
    };
    let (text, kind) = summarise(model, &request, cancel).ok_or(AgentError::Cancelled)?;
    let summary = Summary {
        id: SummaryId::new(),
        agent_id: thread.agent_id.clone(),
        conversation_id: thread.conversation_id.clone(),
        text,
        kind,
        window_start_seq: kept[0].seq,
        evicted_messages: i64::try_from(evicted.len()).unwrap_or(i64::MAX),
        created_at_ms: store.now_ms(),
    };
    store.write(|w| {
        w.insert_summary(&summary)?;
        w.set_window_start(thread, summary.window_start_seq)?;
        Ok::<_, AgentError>(())
    })?;
    let evicted_messages = evicted.len();
    let after = Window::load(store, thread)?.limit_files(window_tokens);
    let tokens_after = counted(&after);
    Ok(Some(Compaction { evicted_messages, tokens_before, tokens_after, summary }))
}

/// Tokens of each turn, about: what templates put around messages is not counted.
fn tokens_of_turns(model: &dyn LanguageModel, messages: &[Arc<Message>], starts: &[usize]) -> Vec<usize> {
    let ends = starts.iter().skip(1).copied().chain([messages.len()]);
    let guided = model.info().guidance == Guidance::Full;
    let tokens = |message: &Arc<Message>| {
        // See [`Window::as_spoken`].
        if guided {
            return if message.role == Role::Tool { 0 } else { model.count_tokens(&message.content) };
        }
        let calls: usize = message
            .tool_calls
            .iter()
            .map(|call| model.count_tokens(&call.name) + model.count_tokens(&call.arguments.to_string()))
            .sum();
        calls + model.count_tokens(&message.content)
    };
    starts.iter().zip(ends).map(|(start, end)| messages[*start..end].iter().map(tokens).sum()).collect()
}
