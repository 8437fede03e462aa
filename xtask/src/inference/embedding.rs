//! An embedder: short messages, one at a time and many at once.

use std::path::Path;
use std::time::Instant;

use resident_inference::MiniLmEmbedder;
use resident_memory::Embedder;
use serde_json::json;

use crate::peer::{ONNXRUNTIME, Peer};
use crate::{Arguments, BenchError, Case};

/// Messages that are embedded.
const MESSAGES: usize = 256;

/// Those that the other gets at once; more of different lengths would make it pad more.
const BATCH: usize = 32;

/// What messages are made of; 35 tokens each on average, as those of chats are.
const OPENINGS: [&str; 4] = ["By the way,", "I keep forgetting this:", "For next week,", "Could you note that"];
const SUBJECTS: [&str; 5] =
    ["my sister Ana", "the new landlord", "our team at work", "Doctor Webb", "the neighbour's dog"];
const ACTIONS: [&str; 6] = [
    "moved to a small house near the harbour in Lisbon last spring and loves it",
    "wants 45 euros for the repair of the kitchen window before Friday",
    "starts every Monday with a short walk",
    "prefers the train over flying whenever it takes less than eight hours, even with two changes in between",
    "is allergic to peanuts",
    "asked whether the budget of 500 for the trip still holds or has to be cut again",
];

fn messages() -> Vec<String> {
    let parts = (0..MESSAGES).map(|at| (OPENINGS[at % 4], SUBJECTS[at / 4 % 5], ACTIONS[at * 7 % 6], at));
    let text = |(opening, subject, action, at)| {
        let more =
            if at % 3 == 0 { format!(" Also, {} {}.", SUBJECTS[at % 5], ACTIONS[at / 2 % 6]) } else { String::new() };
        format!("{opening} {subject} {action} (number {at}).{more}")
    };
    parts.map(text).collect()
}

/// Compares everything.
pub(crate) fn compare(arguments: &Arguments, folder: &Path) -> Result<Vec<Case>, BenchError> {
    let mut peer = Peer::start(&ONNXRUNTIME, arguments, &[&folder.join("tokenizer.json")])?;
    let embedder = MiniLmEmbedder::load(folder)?;
    let messages = messages();
    let texts: Vec<&str> = messages.iter().map(String::as_str).collect();
    let mut alone = Case::new("messages one at a time", "messages/s", true);
    let mut together = Case::new(format!("messages in batches of {BATCH}"), "messages/s", true);
    let rate = |ms: f64| MESSAGES as f64 / ms * 1e3;
    for _ in 0..arguments.rounds {
        for (case, batch) in [(&mut alone, 1), (&mut together, BATCH)] {
            let start = Instant::now();
            for texts in texts.chunks(batch) {
                embedder.embed(texts)?;
            }
            let own = rate(start.elapsed().as_secs_f64() * 1e3);
            case.add(own, peer.ask(&json!({"texts": texts, "batch": batch}))?.map(rate));
        }
    }
    Ok(vec![alone, together])
}
