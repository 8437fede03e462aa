//! Search through archival memory.

use std::collections::{HashMap, HashSet};

use resident_index::Hit;
use resident_store::{Passage, PassageFilter, PassageScope, Store, TextTable, VectorGroup};

use super::{
    Question, Reason,
    evidence::{WeightedTerms, prefer_newer, told},
    plan::Plan,
    rank::{BY_WORDS, Evidence, Found, LEAST_SIMILARITY, PASSAGE_WEIGHTS, merge},
    words::present,
};
use crate::{Memory, MemoryError, memory::Dense};

/// So many rows that a filter leaves are compared by themselves; where it leaves more, the nearest of all are looked
/// through for those that pass.
const FEW_ROWS: usize = 20_000;

/// They are looked through up to about this rank.
const DEEPEST_RANK: usize = 6_400;

/// In which order passages are found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Sort {
    /// The best first; where nothing is asked, the newest.
    #[default]
    Relevance,
    /// The newest first.
    Newest,
    /// The oldest first.
    Oldest,
}

/// What to look for in archival memory.
#[derive(Debug, Clone, PartialEq)]
pub struct ArchivalQuery {
    /// Words or a question. Where it has no words, all passages of the filter are found.
    pub text: String,
    /// Among which, and which part of the list. Its scope and its order are set by the search; without `as_of_ms` only
    /// what is true now is found (in the bin: everything).
    pub filter: PassageFilter,
    /// The order.
    pub sort: Sort,
}

/// A passage that was found.
#[derive(Debug, Clone, PartialEq)]
pub struct ArchivalHit {
    /// The passage.
    pub passage: Passage,
    /// Higher is better; only the order within one search means something. 0 where nothing was asked.
    pub score: f32,
    /// Why it was found.
    pub reasons: Vec<Reason>,
}

/// A part of what was found.
#[derive(Debug, Clone, PartialEq)]
pub struct ArchivalPage {
    /// The passages.
    pub hits: Vec<ArchivalHit>,
    /// How many there are in all.
    pub total: usize,
}

impl Memory {
    /// The passages of an agent, an archive or everywhere that answer `query`.
    ///
    /// # Errors
    /// When the store cannot be read. An embedder that fails is no error: then words alone decide.
    pub fn search_passages(
        &self,
        scope: impl Into<PassageScope>,
        query: &ArchivalQuery,
    ) -> Result<ArchivalPage, MemoryError> {
        let now_ms = self.store().now_ms();
        let as_of_ms = query.filter.as_of_ms.or((!query.filter.deleted).then_some(now_ms));
        let newest_first = query.sort != Sort::Oldest;
        let filter = PassageFilter { scope: scope.into(), as_of_ms, newest_first, ..query.filter.clone() };
        match Question::read(&query.text, now_ms, self.time_zone()) {
            None => self.list_passages(&filter, query.sort),
            Some(question) => self.find_passages(&filter, query, &question),
        }
    }

    fn list_passages(&self, filter: &PassageFilter, sort: Sort) -> Result<ArchivalPage, MemoryError> {
        let (passages, total) = self.store().read(|r| r.passages(filter))?;
        let hit = |passage: Passage| {
            let mut reasons = asked_tags(filter, &passage);
            if sort != Sort::Oldest {
                reasons.push(Reason::Newest);
            }
            ArchivalHit { passage, score: 0.0, reasons }
        };
        Ok(ArchivalPage { hits: passages.into_iter().map(hit).collect(), total })
    }

    fn find_passages(
        &self,
        filter: &PassageFilter,
        query: &ArchivalQuery,
        question: &Question,
    ) -> Result<ArchivalPage, MemoryError> {
        let last = filter.offset.saturating_add(filter.limit.min(BY_WORDS));
        let limit = BY_WORDS.max(last.saturating_mul(2)).min(10 * BY_WORDS);
        let dense = if self.signals().dense { self.dense(&query.text) } else { None };
        let by_meaning = match &dense {
            None => Vec::new(),
            Some(dense) => self.passages_by_meaning(filter, dense, limit)?,
        };
        self.store().read(|r| {
            let plan = Plan::make(r, TextTable::Passages, &question.searched, PASSAGE_WEIGHTS)?;
            let by_words = plan.passages(r, filter, limit)?;
            let candidates = merge(&by_words, &by_meaning);
            let mut passages = r.passages_by_rowid(&candidates.keys().copied().collect::<Vec<_>>())?;
            // It may have gone to the bin since the vectors were compared.
            passages.retain(|(_, passage)| passage.deleted_at_ms.is_some() == filter.deleted);
            let rows: Vec<i64> = passages.iter().map(|(row, _)| *row).collect();
            let similarity = match &dense {
                Some(dense) => {
                    let archives = r.archives_in(&filter.scope)?;
                    let groups: Vec<_> = archives.into_iter().map(VectorGroup::PassagesIn).collect();
                    dense.similarities(r, &groups, &rows)?
                }
                None => HashMap::new(),
            };
            let terms = WeightedTerms::read(r, TextTable::Passages, &question.terms, &HashSet::new())?;
            let mut evidence: Vec<Evidence> = passages
                .iter()
                .map(|(row, passage)| weigh(question, &terms, candidates[row], passage, similarity.get(row).copied()))
                .collect();
            prefer_newer(question, &mut evidence, &rows);
            let hit = |((row, passage), evidence): ((i64, Passage), Evidence)| {
                (row, ArchivalHit { score: evidence.score(), reasons: Vec::new(), passage })
            };
            let mut found: Vec<(i64, ArchivalHit)> = passages.into_iter().zip(evidence).map(hit).collect();
            let newer = |a: &(i64, ArchivalHit), b: &(i64, ArchivalHit)| {
                (b.1.passage.created_at_ms, b.0).cmp(&(a.1.passage.created_at_ms, a.0))
            };
            match query.sort {
                Sort::Relevance => found.sort_by(|a, b| b.1.score.total_cmp(&a.1.score).then_with(|| newer(a, b))),
                Sort::Newest => found.sort_by(newer),
                Sort::Oldest => found.sort_by(|a, b| newer(b, a)),
            }
            let total = found.len();
            let page = found.into_iter().skip(filter.offset).take(filter.limit);
            let hits = page.map(|(row, hit)| {
                let reasons = reasons(filter, question, candidates[&row], &hit.passage);
                ArchivalHit { reasons, ..hit }
            });
            Ok(ArchivalPage { hits: hits.collect(), total })
        })
    }

    /// The passages nearest in meaning. Where the filter leaves few, only those are compared; else the nearest of all are
    /// looked through until enough pass.
    fn passages_by_meaning(
        &self,
        filter: &PassageFilter,
        dense: &Dense,
        limit: usize,
    ) -> Result<Vec<Hit>, MemoryError> {
        let archives = self.store().read(|r| r.archives_in(&filter.scope))?;
        let groups: Vec<_> = archives.into_iter().map(VectorGroup::PassagesIn).collect();
        if !filter.tags.is_empty() || filter.from_ms.is_some() || filter.to_ms.is_some() {
            let rows = self.store().read(|r| r.passage_rowids(filter, FEW_ROWS + 1))?;
            if rows.len() <= FEW_ROWS {
                let mut hits = dense.nearest_among(self.store(), &groups, limit, &rows)?;
                hits.retain(|hit| hit.score >= LEAST_SIMILARITY);
                return Ok(hits);
            }
        }
        let mut rank = limit;
        loop {
            let mut hits = dense.nearest(self.store(), &groups, rank)?;
            let deeper = hits.len() == rank;
            hits.retain(|hit| hit.score >= LEAST_SIMILARITY);
            let all_similar = deeper && hits.len() == rank;
            meant(self.store(), filter, &mut hits)?;
            if !all_similar || hits.len() >= limit || rank >= DEEPEST_RANK {
                hits.truncate(limit);
                return Ok(hits);
            }
            rank *= 8;
        }
    }
}

/// Which of the nearest are kept by a filter that leaves many.
fn meant(store: &Store, filter: &PassageFilter, hits: &mut Vec<Hit>) -> Result<(), MemoryError> {
    let rows: Vec<i64> = hits.iter().map(|hit| hit.key).collect();
    let meant: HashSet<i64> = store.read(|r| r.passages_meant(filter, &rows))?.into_iter().collect();
    hits.retain(|hit| meant.contains(&hit.key));
    Ok(())
}

/// What speaks for a passage. It stands alone, so that what its tags and its document say counts as its own, its best
/// match by words as that of its session, and its meaning twice.
fn weigh(
    question: &Question,
    terms: &WeightedTerms,
    found: Found,
    passage: &Passage,
    similarity: Option<f32>,
) -> Evidence {
    let described =
        [passage.document.as_deref().unwrap_or_default(), &passage.tags.join(" "), &passage.text].join("\n");
    let similarity = f64::from(similarity.or(found.similarity).unwrap_or_default().max(0.0));
    let nearness = |at_ms: i64| question.dates.map_or(0.0, |dates| dates.nearness(at_ms));
    Evidence {
        covered: terms.covered(&terms.alone(&described)),
        session: found.words,
        similarity,
        beside: similarity,
        told: told(&passage.text),
        speaker: 0.0,
        time: nearness(passage.created_at_ms).max(passage.valid_from_ms.map_or(0.0, nearness)),
        newer: 0.0,
    }
}

/// A passage is of the time when it was saved, and of the time from when it is true.
fn names_time_of(question: &Question, passage: &Passage) -> bool {
    question.names_time_of(passage.created_at_ms) || passage.valid_from_ms.is_some_and(|at| question.names_time_of(at))
}

fn asked_tags(filter: &PassageFilter, passage: &Passage) -> Vec<Reason> {
    let asked = passage.tags.iter().filter(|tag| filter.tags.contains(tag));
    asked.map(|tag| Reason::Tag { tag: tag.clone() }).collect()
}

fn reasons(filter: &PassageFilter, question: &Question, found: Found, passage: &Passage) -> Vec<Reason> {
    let mut reasons = Vec::new();
    if found.words > 0.0 {
        let mut terms = present(&question.terms, &passage.text);
        for term in passage.document.iter().flat_map(|document| present(&question.terms, document)) {
            if !terms.contains(&term) {
                terms.push(term);
            }
        }
        if !terms.is_empty() {
            reasons.push(Reason::Words { terms });
        }
    }
    let named = |tag: &&String| filter.tags.contains(tag) || !present(&question.terms, tag).is_empty();
    reasons.extend(passage.tags.iter().filter(named).map(|tag| Reason::Tag { tag: tag.clone() }));
    if let Some(similarity) = found.similarity {
        reasons.push(Reason::Meaning { similarity });
    }
    if names_time_of(question, passage) || reasons.is_empty() {
        reasons.push(Reason::Date);
    }
    reasons
}
