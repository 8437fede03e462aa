//! Search through recall memory.

use std::collections::{HashMap, HashSet};

use resident_index::Hit;
use resident_store::{
    AgentId, ConversationId, LexicalHit, Message, MessageFilter, MessageListing, Page, Reader, Role, TextTable, Thread,
    TurnId, VectorGroup,
};

use super::{
    Question, Reason, Signals,
    evidence::{self, Candidate, WeightedTerms},
    plan::Plan,
    rank::{BY_MEANING, BY_WORDS, Evidence, Found, LEAST_SIMILARITY, MESSAGE_WEIGHTS, WITHIN_TIME, merge},
    words::present,
};
use crate::{Memory, MemoryError, memory::Dense};

/// Messages before and after a hit that come with it.
const NEIGHBOURS: usize = 1;

/// Messages before and after a candidate that are looked at to weigh it.
const AROUND: usize = 2;

/// What happened is often told in the week after.
const TOLD_SOON_MS: i64 = 7 * 24 * 60 * 60 * 1_000;

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
        let signals = self.signals();
        let dense = if signals.dense { self.dense(&query.text) } else { None };
        let by_meaning = match &dense {
            Some(dense) => self.messages_by_meaning(agent, query, dense)?,
            None => Vec::new(),
        };
        self.store().read(|r| {
            let by_words = messages_by_words(r, agent, query, &question, signals)?;
            let candidates = candidates(r, agent, query, &merge(&by_words, &by_meaning))?;
            let similarity = match &dense {
                Some(dense) => similarities(r, agent, dense, &candidates)?,
                None => HashMap::new(),
            };
            let terms = WeightedTerms::read(r, TextTable::Messages, &question.terms, &evidence::names(&candidates))?;
            let evidence = evidence::of_messages(&question, &terms, &candidates, &similarity, signals);
            let mut found: Vec<(f32, Candidate)> = evidence.iter().map(Evidence::score).zip(candidates).collect();
            // Of equal scores the newer message is the better guess.
            found.sort_by(|a, b| b.0.total_cmp(&a.0).then(b.1.message.seq.cmp(&a.1.message.seq)));
            let mut seen = HashSet::new();
            found.retain(|(_, candidate)| seen.insert(words_of(&candidate.message)));
            found.truncate(query.limit);
            Ok(found.into_iter().map(|(score, candidate)| hit(&question, score, candidate)).collect())
        })
    }

    /// The messages nearest in meaning. Where the query narrows whom or when, further ones are asked for until enough
    /// pass.
    fn messages_by_meaning(
        &self,
        agent: &AgentId,
        query: &RecallQuery,
        dense: &Dense,
    ) -> Result<Vec<Hit>, MemoryError> {
        let group = [VectorGroup::MessagesOf(agent.clone())];
        let mut rank = BY_MEANING.max(query.limit);
        loop {
            let mut hits = dense.nearest(self.store(), &group, rank)?;
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

/// The best matches by words, and those within the time that the query names.
fn messages_by_words(
    r: &Reader<'_>,
    agent: &AgentId,
    query: &RecallQuery,
    question: &Question,
    signals: Signals,
) -> Result<Vec<LexicalHit>, MemoryError> {
    let [text, neighbours, context] = MESSAGE_WEIGHTS;
    let weights = [text, if signals.neighbours { neighbours } else { 0.0 }, context];
    let filter = query.filter();
    let plan = Plan::make(r, TextTable::Messages, &question.searched, weights)?;
    let mut found = plan.messages(r, agent, &filter, BY_WORDS.max(query.limit))?;
    if let Some(dates) = question.dates.filter(|_| signals.date) {
        // What was said then is looked through by itself, since better matches of other times may crowd it out.
        let then = MessageFilter {
            from_ms: Some(dates.from_ms.max(query.from_ms.unwrap_or(i64::MIN))),
            to_ms: Some(dates.to_ms.saturating_add(TOLD_SOON_MS).min(query.to_ms.unwrap_or(i64::MAX))),
            ..filter
        };
        found.extend(plan.some_messages(r, agent, &then, WITHIN_TIME)?);
    }
    Ok(found)
}

/// The messages that were found and that the query admits, each with what was said around it.
fn candidates(
    r: &Reader<'_>,
    agent: &AgentId,
    query: &RecallQuery,
    found: &HashMap<i64, Found>,
) -> Result<Vec<Candidate>, MemoryError> {
    let mut candidates = Vec::with_capacity(found.len());
    for message in r.messages_by_seq(&found.keys().copied().collect::<Vec<_>>())? {
        if message.agent_id == *agent && query.admits(&message) {
            let (mut before, mut after) = r.neighbours(&message, message.seq, AROUND)?;
            before.retain(|message| !query.is_own(message));
            after.retain(|message| !query.is_own(message));
            candidates.push(Candidate { found: found[&message.seq], message, before, after });
        }
    }
    Ok(candidates)
}

/// How similar to the query the candidates and the messages beside them are, as far as they are embedded.
fn similarities(
    r: &Reader<'_>,
    agent: &AgentId,
    dense: &Dense,
    candidates: &[Candidate],
) -> Result<HashMap<i64, f32>, MemoryError> {
    let beside = |candidate: &Candidate| {
        let beside = [candidate.before.last(), candidate.after.first()];
        beside.into_iter().flatten().map(|message| message.seq).collect::<Vec<_>>()
    };
    let seqs: HashSet<i64> =
        candidates.iter().flat_map(|one| beside(one).into_iter().chain([one.message.seq])).collect();
    dense.similarities(r, &[VectorGroup::MessagesOf(agent.clone())], &seqs.into_iter().collect::<Vec<_>>())
}

fn hit(question: &Question, score: f32, candidate: Candidate) -> RecallHit {
    let Candidate { message, mut before, mut after, found } = candidate;
    before.drain(..before.len().saturating_sub(NEIGHBOURS));
    after.truncate(NEIGHBOURS);
    let hit = RecallHit { message, score, reasons: Vec::new(), before, after };
    RecallHit { reasons: reasons(question, found, &hit), ..hit }
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

fn reasons(question: &Question, found: Found, hit: &RecallHit) -> Vec<Reason> {
    let mut reasons = Vec::new();
    let in_time = question.names_time_of(hit.message.created_at_ms);
    if found.words > 0.0 {
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
    if let Some(similarity) = found.similarity {
        reasons.push(Reason::Meaning { similarity });
    }
    if in_time {
        reasons.push(Reason::Date);
    }
    reasons
}
