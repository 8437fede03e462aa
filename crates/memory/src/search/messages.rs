//! Search through recall memory.

use std::collections::{HashMap, HashSet};

use resident_index::Hit;
use resident_store::{
    AgentId, ConversationId, Message, MessageFilter, MessageListing, Page, Reader, Role, Thread, TurnId, VectorGroup,
};

use super::{
    Question, Reason,
    rank::{CANDIDATES, Candidate, DATE_BONUS, LEAST_SIMILARITY, MESSAGE_WEIGHTS, fuse},
    words::present,
};
use crate::{Memory, MemoryError};

/// Messages before and after a hit that come with it.
const NEIGHBOURS: usize = 1;

/// Messages read at once when the newest are looked for.
const PAGE: usize = 200;

/// The nearest vectors are looked through up to this rank for messages that pass the filter.
const DEEPEST_RANK: usize = 6_400;

/// What to look for among the messages of an agent.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RecallQuery {
    /// Words or a question. Where it has no words, the newest messages are found.
    pub text: String,
    /// Who spoke; the user and the assistant when empty.
    pub roles: Vec<Role>,
    /// Said at this time or later.
    pub from_ms: Option<i64>,
    /// Said before this time.
    pub to_ms: Option<i64>,
    /// Only this conversation; everything that was said to the agent or by it when `None`.
    pub conversation_id: Option<ConversationId>,
    /// At most so many.
    pub limit: usize,
    /// The turn that searches: its own question is not what it looks for.
    pub exclude_turn: Option<TurnId>,
}

/// A message that was found.
#[derive(Debug, Clone, PartialEq)]
pub struct RecallHit {
    /// The message.
    pub message: Message,
    /// Higher is better; only the order within one search means something. 0 where nothing was asked.
    pub score: f32,
    /// Why it was found.
    pub reasons: Vec<Reason>,
    /// What was said just before, oldest first.
    pub before: Vec<Message>,
    /// What was said just after, oldest first.
    pub after: Vec<Message>,
}

impl RecallQuery {
    fn filter(&self) -> MessageFilter {
        MessageFilter {
            roles: self.roles.clone(),
            from_ms: self.from_ms,
            to_ms: self.to_ms,
            conversation_id: self.conversation_id.clone(),
        }
    }

    fn admits(&self, message: &Message) -> bool {
        let spoken = matches!(message.role, Role::User | Role::Assistant) && !message.content.is_empty();
        spoken
            && (self.roles.is_empty() || self.roles.contains(&message.role))
            && self.from_ms.is_none_or(|from_ms| message.created_at_ms >= from_ms)
            && self.to_ms.is_none_or(|to_ms| message.created_at_ms < to_ms)
            && (self.conversation_id.is_none() || message.conversation_id == self.conversation_id)
            && !self.is_own(message)
    }

    fn is_own(&self, message: &Message) -> bool {
        self.exclude_turn.is_some() && message.turn_id == self.exclude_turn
    }

    fn is_narrow(&self) -> bool {
        !self.roles.is_empty() || self.from_ms.is_some() || self.to_ms.is_some() || self.conversation_id.is_some()
    }
}

impl Memory {
    /// The messages of `agent` that answer `query`, best first.
    ///
    /// # Errors
    /// When the store cannot be read. An embedder that fails is no error: then words alone decide.
    pub fn search_messages(&self, agent: &AgentId, query: &RecallQuery) -> Result<Vec<RecallHit>, MemoryError> {
        let question = Question::read(&query.text, self.store().now_ms(), self.time_zone());
        let Some(question) = question.filter(|_| query.limit > 0) else {
            return self.store().read(|r| newest(r, agent, query));
        };
        let by_meaning = self.messages_by_meaning(agent, query)?;
        self.store().read(|r| {
            let filter = query.filter();
            let expression = &question.match_expression;
            let limit = CANDIDATES.max(query.limit);
            let mut by_words = r.search_messages_text(agent, expression, &filter, MESSAGE_WEIGHTS, limit)?;
            if let Some(dates) = question.dates {
                // What was said then is looked through by itself, since better matches of other times may crowd it out.
                let then = MessageFilter {
                    from_ms: Some(dates.from_ms.max(query.from_ms.unwrap_or(i64::MIN))),
                    to_ms: Some(dates.to_ms.min(query.to_ms.unwrap_or(i64::MAX))),
                    ..filter
                };
                by_words.extend(r.search_messages_text(agent, expression, &then, MESSAGE_WEIGHTS, limit)?);
            }
            let mut found = Vec::new();
            let candidates: HashMap<i64, Candidate> =
                fuse(&by_words, &by_meaning).into_iter().map(|candidate| (candidate.key, candidate)).collect();
            for message in r.messages_by_seq(&candidates.keys().copied().collect::<Vec<_>>())? {
                if message.agent_id == *agent && query.admits(&message) {
                    let candidate = candidates[&message.seq];
                    let bonus = if question.names_time_of(message.created_at_ms) { DATE_BONUS } else { 0.0 };
                    found.push((candidate.score + bonus, candidate, message));
                }
            }
            // Of equal scores the newer message is the better guess.
            found.sort_by(|a, b| b.0.total_cmp(&a.0).then(b.2.seq.cmp(&a.2.seq)));
            let mut seen = HashSet::new();
            found.retain(|(_, _, message)| seen.insert(words_of(message)));
            found.truncate(query.limit);
            found
                .into_iter()
                .map(|(score, candidate, message)| {
                    let hit = with_neighbours(r, query, message)?;
                    let reasons = reasons(&question, candidate, &hit);
                    Ok(RecallHit { score, reasons, ..hit })
                })
                .collect()
        })
    }

    /// The messages nearest in meaning. Where the query narrows whom or when, further ones are asked for until enough
    /// pass.
    fn messages_by_meaning(&self, agent: &AgentId, query: &RecallQuery) -> Result<Vec<Hit>, MemoryError> {
        let Some(dense) = self.dense(&query.text) else { return Ok(Vec::new()) };
        let group = [VectorGroup::MessagesOf(agent.clone())];
        let mut rank = CANDIDATES;
        loop {
            let mut hits = dense.nearest(self.store(), &group, rank, &|_| true)?;
            let deeper = hits.len() == rank;
            hits.retain(|hit| hit.score >= LEAST_SIMILARITY);
            let all_similar = deeper && hits.len() == rank;
            if query.is_narrow() {
                let seqs: Vec<i64> = hits.iter().map(|hit| hit.key).collect();
                let messages = self.store().read(|r| r.messages_by_seq(&seqs))?;
                let admitted: Vec<i64> = messages.iter().filter(|m| query.admits(m)).map(|m| m.seq).collect();
                hits.retain(|hit| admitted.contains(&hit.key));
                if all_similar && hits.len() < query.limit && rank < DEEPEST_RANK {
                    rank *= 8;
                    continue;
                }
            }
            return Ok(hits);
        }
    }
}

/// What tells one message from another: a conversation that was forked has copies of the messages it began with.
fn words_of(message: &Message) -> (Role, i64, String) {
    (message.role, message.created_at_ms, message.content.clone())
}

/// The newest messages that the query admits.
fn newest(r: &Reader<'_>, agent: &AgentId, query: &RecallQuery) -> Result<Vec<RecallHit>, MemoryError> {
    let mut hits = Vec::new();
    let mut seen = HashSet::new();
    let thread = query.conversation_id.clone().map(|id| Thread { agent_id: agent.clone(), conversation_id: Some(id) });
    let page = Page { newest_first: true, limit: PAGE, ..Page::default() };
    let mut listing = MessageListing { agent_id: Some(agent.clone()), thread, page, ..MessageListing::default() };
    while hits.len() < query.limit {
        let page = r.list_messages(&listing)?;
        let Some(oldest) = page.last() else { break };
        listing.page.older_than = Some(oldest.id.0.clone());
        // Imported messages may be out of order by a little, hardly by a page.
        let too_old = page.iter().all(|m| query.from_ms.is_some_and(|from_ms| m.created_at_ms < from_ms));
        let wanted = query.limit - hits.len();
        let admitted = page.into_iter().filter(|message| query.admits(message) && seen.insert(words_of(message)));
        for message in admitted.take(wanted) {
            hits.push(with_neighbours(r, query, message)?);
        }
        if too_old {
            break;
        }
    }
    Ok(hits)
}

fn with_neighbours(r: &Reader<'_>, query: &RecallQuery, message: Message) -> Result<RecallHit, MemoryError> {
    let (mut before, mut after) = r.neighbours(&message, message.seq, NEIGHBOURS)?;
    before.retain(|message| !query.is_own(message));
    after.retain(|message| !query.is_own(message));
    Ok(RecallHit { message, score: 0.0, reasons: vec![Reason::Newest], before, after })
}

fn reasons(question: &Question, candidate: Candidate, hit: &RecallHit) -> Vec<Reason> {
    let mut reasons = Vec::new();
    let in_time = question.names_time_of(hit.message.created_at_ms);
    if candidate.by_words {
        let own = present(&question.terms, &hit.message.content);
        let mut beside: Vec<String> =
            hit.before.iter().chain(&hit.after).flat_map(|m| present(&question.terms, &m.content)).collect();
        beside.sort();
        beside.dedup();
        beside.retain(|term| !own.contains(term));
        let matched = !own.is_empty() || !beside.is_empty();
        if !own.is_empty() {
            reasons.push(Reason::Words { terms: own });
        }
        if !beside.is_empty() {
            reasons.push(Reason::Neighbour { terms: beside });
        }
        if !matched && !in_time {
            reasons.push(Reason::Date);
        }
    }
    if let Some(similarity) = candidate.similarity {
        reasons.push(Reason::Meaning { similarity });
    }
    if in_time {
        reasons.push(Reason::Date);
    }
    reasons
}
