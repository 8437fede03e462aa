//! The profile that is measured: one agent with many messages and passages, and a vector of each.
//!
//! All rows go in through the store. Vectors are made rather than computed, which would take days: each is that of one of
//! a thousand texts, embedded by the real model, with as much noise as leaves texts of a topic about as similar as they
//! are, so that a question meets similar ones.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use resident_inference::MiniLmEmbedder;
use resident_memory::Embedder;
use resident_store::{
    Agent, AgentId, AgentType, ArchiveId, NewMessage, Passage, PassageId, Provenance, Role, Store, StoredVector,
    SystemClock, VectorOwner,
};
use serde_json::json;

use crate::MemoryError;
use crate::texts::{Dice, TOPICS, Texts};

/// Rows of a transaction.
const AT_ONCE: usize = 2_000;

/// Messages that follow each other on one topic.
const OF_ONE_TOPIC: usize = 12;

/// Words of a message and of a passage, at least and at most.
pub(crate) const MESSAGE_WORDS: (usize, usize) = (4, 36);
const PASSAGE_WORDS: (usize, usize) = (30, 90);

/// How much of a vector is its topic's.
const TOPIC_PART: f32 = 0.8;

/// Four years, over which the rows are spread.
const SPAN_MS: i64 = 4 * 365 * 86_400_000;
const BEGAN_MS: i64 = 1_609_459_200_000;

/// The agent.
pub(crate) fn agent_id() -> AgentId {
    AgentId::from("agent-00000000-0000-4000-8000-000000000000")
}

/// Makes the profile in `folder`.
pub(crate) fn make(folder: &Path, size: usize, embedder: &MiniLmEmbedder) -> Result<(), MemoryError> {
    let store = Store::open(folder, Arc::new(SystemClock))?;
    let texts = Texts::new();
    let topics = topics(&texts, embedder)?;
    let agent = agent();
    store.write(|w| {
        w.insert_agent(&agent)?;
        w.default_archive(&agent.id, BEGAN_MS).map(drop)
    })?;
    for owner in [VectorOwner::Message, VectorOwner::Passage] {
        let begun = Instant::now();
        let mut dice = Dice::new(0x5EED + owner as u64);
        for start in (0..size).step_by(AT_ONCE) {
            store.write(|w| {
                let mut vectors = Vec::with_capacity(AT_ONCE);
                for number in start..size.min(start + AT_ONCE) {
                    let at_ms = BEGAN_MS + SPAN_MS / size as i64 * number as i64;
                    let topic = topic_of(number);
                    let key = match owner {
                        VectorOwner::Message => {
                            let role = if number % 2 == 0 { Role::User } else { Role::Assistant };
                            let text = texts.text(topic, MESSAGE_WORDS, &mut dice);
                            w.append_message(&NewMessage::said(&agent.id, role, text, at_ms))?.seq
                        }
                        VectorOwner::Passage => {
                            w.insert_passage(&passage(texts.text(topic, PASSAGE_WORDS, &mut dice), at_ms))?
                        }
                    };
                    vectors.push(StoredVector { owner, key, vector: vector(&topics[topic], &mut dice) });
                }
                w.put_vectors(embedder.id(), &vectors)
            })?;
        }
        let rows_s = size as f64 / begun.elapsed().as_secs_f64();
        println!("{size} rows of {owner:?}: {rows_s:.0} a second");
    }
    Ok(())
}

/// Of what row `number` tells.
pub(crate) fn topic_of(number: usize) -> usize {
    Dice::new((number / OF_ONE_TOPIC) as u64).below(TOPICS)
}

fn topics(texts: &Texts, embedder: &MiniLmEmbedder) -> Result<Vec<Vec<f32>>, MemoryError> {
    let mut dice = Dice::new(0x70_01C5);
    let examples: Vec<String> = (0..TOPICS).map(|topic| texts.text(topic, (12, 24), &mut dice)).collect();
    let mut topics = Vec::with_capacity(TOPICS);
    for some in examples.chunks(32) {
        topics.extend(embedder.embed(&some.iter().map(String::as_str).collect::<Vec<_>>())?);
    }
    Ok(topics)
}

fn vector(topic: &[f32], dice: &mut Dice) -> Vec<f32> {
    // Bytes of a random number, of which the sum of four is nearly normal.
    let mut noise = || {
        let bits = dice.next();
        (0..4).map(|part| ((bits >> (16 * part)) & 0xFFFF) as f32 / 65_536.0).sum::<f32>() - 2.0
    };
    let drawn: Vec<f32> = topic.iter().map(|_| noise()).collect();
    let (own, of_noise) = (length(topic), length(&drawn));
    let noise_part = (1.0 - TOPIC_PART * TOPIC_PART).sqrt();
    let mixed = topic.iter().zip(&drawn).map(|(topic, noise)| TOPIC_PART * topic / own + noise_part * noise / of_noise);
    let mixed: Vec<f32> = mixed.collect();
    let whole = length(&mixed);
    mixed.into_iter().map(|component| component / whole).collect()
}

fn length(vector: &[f32]) -> f32 {
    vector.iter().map(|component| component * component).sum::<f32>().sqrt()
}

fn agent() -> Agent {
    Agent {
        id: agent_id(),
        name: "Ada".to_owned(),
        description: String::new(),
        agent_type: AgentType::MemgptAgent,
        system: String::new(),
        model: None,
        tools: Vec::new(),
        tool_rules: json!([]),
        settings: json!({}),
        metadata: json!({}),
        tags: Vec::new(),
        letta: json!({}),
        window_start_seq: 0,
        created_at_ms: BEGAN_MS,
        updated_at_ms: BEGAN_MS,
        deleted_at_ms: None,
    }
}

fn passage(text: String, at_ms: i64) -> Passage {
    Passage {
        id: PassageId::new(),
        archive_id: ArchiveId::own_of(&agent_id()),
        agent_id: Some(agent_id()),
        file_id: None,
        text,
        tags: Vec::new(),
        provenance: Provenance::user("bench"),
        document: None,
        valid_from_ms: None,
        valid_to_ms: None,
        superseded_by: None,
        created_at_ms: at_ms,
        updated_at_ms: at_ms,
        deleted_at_ms: None,
    }
}
