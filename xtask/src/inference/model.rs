//! A language model: reading prompts, writing answers, the first token of a second turn, loading.

use std::num::NonZero;
use std::path::Path;
use std::time::{Duration, Instant};

use resident_agent::{
    Cancel, GenerateOptions, Generation, Guidance, LanguageModel, Progress, Prompt, PromptMessage, ToolChoice,
};
use resident_inference::{LoadOptions, LocalLanguageModel};
use resident_store::Role;

use serde_json::json;

use crate::peer::{LLAMA, Peer};
use crate::{Arguments, BenchError, Case, peak_memory_mib};

/// Tokens of the prompts that are read.
const PROMPTS: [usize; 2] = [512, 2_048];

/// Tokens before those that are written.
const PASTS: [usize; 2] = [16, 2_048];

/// Tokens that are written.
const WRITTEN: usize = 64;

/// Tokens of the prompt whose second turn is timed, and what the second turn adds.
const AGENT: (usize, usize) = (3_000, 60);

/// Room for the longest prompt and what is written after it.
const WINDOW: usize = 4_096;

/// Compares everything.
pub(crate) fn compare(arguments: &Arguments, file: &Path) -> Result<Vec<Case>, BenchError> {
    let threads = arguments.threads;
    let mut peer = Peer::start(&LLAMA, arguments, &[file])?;
    let mut ours = Ours::load(file, threads)?;
    let mut load = Case::new("load", "ms", false);
    let mut reading = PROMPTS.map(|tokens| Case::new(format!("read {tokens}"), "tokens/s", true));
    let mut writing = PASTS.map(|past| Case::new(format!("write {WRITTEN} after {past}"), "tokens/s", true));
    let mut second = Case::new(format!("first token of a second turn after {}", AGENT.0), "ms", false);
    for _ in 0..arguments.rounds {
        for (tokens, case) in PROMPTS.into_iter().zip(&mut reading) {
            let (read, seconds) = ours.read(tokens)?;
            let other = peer.ask(&json!({"do": "read", "tokens": read}))?;
            case.add(read as f64 / seconds, other.map(|ms| read as f64 / ms * 1e3));
        }
        for (past, case) in PASTS.into_iter().zip(&mut writing) {
            let own = ours.write(past, WRITTEN)?;
            let other = peer.ask(&json!({"do": "write", "past": past, "tokens": WRITTEN}))?;
            case.add(own, other.map(|ms| WRITTEN as f64 / ms * 1e3));
        }
        let own = ours.second_turn_ms(AGENT)?;
        second.add(own.ms, peer.ask(&json!({"do": "second_turn", "first": AGENT.0, "tokens": own.evaluated}))?);
    }
    let mut memory = Case::new("peak memory", "MiB", false);
    if let Some(own) = peak_memory_mib() {
        memory.add(own, peer.ask(&json!({"do": "memory"}))?);
    }
    // Last, since a second model beside the first would be counted as its memory.
    for _ in 0..arguments.rounds {
        load.add(Ours::load_ms(file, threads)?, peer.ask(&json!({"do": "load"}))?);
    }
    Ok([load].into_iter().chain(reading).chain(writing).chain([second, memory]).collect())
}

/// A loaded model.
struct Ours {
    model: LocalLanguageModel,
    /// Prompts so far: each begins otherwise, so that nothing of it was evaluated before.
    asked: usize,
}

/// A second turn.
struct SecondTurn {
    /// Tokens that were new.
    evaluated: usize,
    ms: f64,
}

/// A generation with the time at which its prompt had been read and the whole time.
struct Timed {
    generation: Generation,
    read: Duration,
    all: Duration,
}

impl Ours {
    fn load(path: &Path, threads: usize) -> Result<Self, BenchError> {
        let options = LoadOptions { context_window_tokens: Some(WINDOW), threads: NonZero::new(threads) };
        let model = LocalLanguageModel::load(path, "local/measured", "Measured", Guidance::None, options)?;
        Ok(Self { model, asked: 0 })
    }

    /// How long it takes to load, until it can be asked.
    fn load_ms(path: &Path, threads: usize) -> Result<f64, BenchError> {
        let start = Instant::now();
        Self::load(path, threads)?;
        Ok(start.elapsed().as_secs_f64() * 1e3)
    }

    /// Reads a prompt of about so many tokens; returns how many were evaluated, and the seconds.
    fn read(&mut self, tokens: usize) -> Result<(usize, f64), BenchError> {
        let text = self.text(tokens);
        let timed = self.generate(text, 1)?;
        let usage = timed.generation.usage;
        Ok((usage.prompt_tokens - usage.cached_tokens, timed.read.as_secs_f64()))
    }

    /// Writes so many tokens after a prompt of about `past`; returns tokens a second.
    fn write(&mut self, past: usize, tokens: usize) -> Result<f64, BenchError> {
        for _ in 0..5 {
            let text = self.text(past);
            let timed = self.generate(text, tokens)?;
            // The first token comes from the prompt's evaluation.
            let written = timed.generation.usage.completion_tokens.saturating_sub(1);
            if written > tokens / 2 {
                return Ok(written as f64 / (timed.all - timed.read).as_secs_f64());
            }
        }
        Err(BenchError::Unusable(format!("the model does not write {tokens} tokens after {past}")))
    }

    /// The time until a second turn's first token, after a first one of about `first` tokens.
    fn second_turn_ms(&mut self, (first, new): (usize, usize)) -> Result<SecondTurn, BenchError> {
        let text = self.text(first);
        self.generate(text.clone(), 1)?;
        let more = self.text(new);
        let timed = self.generate(format!("{text} {more}"), 1)?;
        let usage = timed.generation.usage;
        let ms = timed.all.as_secs_f64() * 1e3;
        Ok(SecondTurn { evaluated: usage.prompt_tokens - usage.cached_tokens, ms })
    }

    /// A text that makes a prompt of about so many tokens.
    fn text(&mut self, tokens: usize) -> String {
        self.asked += 1;
        let mut text = format!("{} is where it begins. Tell me a long story.", self.asked);
        let sentence = " It has a fox, a river, three bridges and a clock that runs backwards.";
        let (begun, each) = (self.prompt_tokens(&text), self.model.count_tokens(sentence));
        text.push_str(&sentence.repeat(tokens.saturating_sub(begun).div_ceil(each)));
        text
    }

    fn prompt_tokens(&self, text: &str) -> usize {
        self.model.count_prompt_tokens(&prompt(text.to_owned()))
    }

    fn generate(&self, text: String, max_tokens: usize) -> Result<Timed, BenchError> {
        let options = GenerateOptions { max_tokens, temperature: 0.0, ..GenerateOptions::default() };
        let (start, mut read) = (Instant::now(), Duration::ZERO);
        let generation = self.model.generate(&prompt(text), &options, &Cancel::default(), &mut |progress| {
            if matches!(progress, Progress::Reading { tokens, of } if tokens == of) {
                read = start.elapsed();
            }
        })?;
        Ok(Timed { generation, read, all: start.elapsed() })
    }
}

fn prompt(text: String) -> Prompt {
    let messages = vec![PromptMessage::text(Role::User, text)];
    Prompt { messages, tool_choice: ToolChoice::None, ..Prompt::default() }
}
