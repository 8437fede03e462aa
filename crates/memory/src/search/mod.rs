//! Search through recall and archival memory: by words (FTS5, BM25) and by meaning (vectors). Both find candidates, whose
//! evidence is then weighed: which terms stand where, how similar they and their neighbours are, when and by whom they
//! were said. What is not embedded yet is found by its words; each hit says why it was found.

mod dates;
mod evidence;
mod messages;
mod passages;
mod plan;
mod question;
mod rank;
mod reason;
mod terms;
mod words;

pub use messages::{RecallHit, RecallQuery};
pub use passages::{ArchivalHit, ArchivalPage, ArchivalQuery, Sort};
pub use rank::Signals;
pub use reason::Reason;

use question::Question;
