//! One generation: the prompt is read in batches from the longest cached prefix on, then token after token is drawn,
//! as free text or under the grammar of a call.

use std::sync::Arc;

use llguidance::Matcher;
use resident_agent::{Cancel, Finish, GenerateOptions, Generation, ModelError, Progress, Prompt, ToolChoice, Usage};
use toktrie::SimpleVob;

use crate::cache::{Sequence, SequenceCache, common_prefix};
use crate::call::{CallText, closing_rank};
use crate::decoder::{Activations, Decoder};
use crate::grammar::CallGrammars;
use crate::kernels::Team;
use crate::sampler::Sampler;
use crate::stream::{Marker, TextStream};
use crate::template::{CALL_BEGIN, CALL_END, CallStyle};
use crate::tokenizer::Tokenizer;

/// Tokens of a prompt that are evaluated together: enough that the weights are unpacked for many tokens at once, few
/// enough that progress and cancellation are a fraction of a second apart.
const BATCH_TOKENS: usize = 256;

/// The least room that a prompt must leave for an answer.
const LEAST_ANSWER_TOKENS: usize = 16;

/// Tokens beyond `max_tokens` in which a call that is not complete yet is brought to its end. The longest tail of a
/// call (keys that are still required, with empty or the likeliest values) is far below it.
const CLOSING_TOKENS: usize = 160;

/// Calls in one message at most; a model that writes more repeats itself.
const MAX_CALLS: usize = 8;

/// A loaded model with all it needs to generate. Runs inside a rayon pool.
pub(crate) struct Engine {
    pub(crate) handle: String,
    pub(crate) decoder: Decoder,
    pub(crate) tokenizer: Arc<Tokenizer>,
    pub(crate) style: CallStyle,
    pub(crate) grammars: CallGrammars,
    pub(crate) cache: SequenceCache,
    pub(crate) activations: Activations,
    /// All tokens but the control tokens that do not end a message.
    pub(crate) text_tokens: SimpleVob,
    pub(crate) context_window_tokens: usize,
}

/// What to generate from.
pub(crate) struct Job {
    pub(crate) rendered: String,
    pub(crate) prompt: Prompt,
    pub(crate) options: GenerateOptions,
    pub(crate) cancel: Cancel,
}

/// A generation on its way.
struct Run<'a> {
    engine: &'a mut Engine,
    job: &'a Job,
    report: &'a mut dyn FnMut(Progress),
    sequence: Sequence,
    /// Tokens that are chosen but not evaluated.
    pending: Vec<u32>,
    sampler: Sampler,
    written: usize,
    max_tokens: usize,
    generation: Generation,
    thoughts: String,
    /// Names the calls of this message.
    fingerprint: u64,
}

/// Why a piece of the message ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ended {
    Message,
    Length,
    Cancelled,
    /// The model begins a call.
    Call,
}

impl Engine {
    /// Generates the answer to a rendered prompt.
    ///
    /// # Errors
    /// When the prompt leaves no room, a schema of the menu cannot be enforced, or a call does not end.
    pub(crate) fn generate(&mut self, job: &Job, report: &mut dyn FnMut(Progress)) -> Result<Generation, ModelError> {
        let prompt = self.tokenizer.encode_prompt(&job.rendered);
        let can_call = job.prompt.tool_choice != ToolChoice::None && !job.prompt.menu.is_empty();
        let reserve = if can_call { CLOSING_TOKENS } else { 0 };
        if prompt.len() + LEAST_ANSWER_TOKENS + reserve > self.context_window_tokens {
            return Err(ModelError::PromptTooLong {
                model: self.handle.clone(),
                prompt_tokens: prompt.len(),
                context_window_tokens: self.context_window_tokens,
            });
        }
        let max_tokens = job.options.max_tokens.min(self.context_window_tokens - prompt.len() - reserve);
        let sequence = self.cache.take(&prompt, max_tokens);
        let usage = Usage { prompt_tokens: prompt.len(), cached_tokens: sequence.tokens().len(), completion_tokens: 0 };
        let pending = prompt[sequence.tokens().len()..].to_vec();
        let fingerprint = fingerprint(&prompt, job.options.seed);
        let mut run = Run {
            job,
            report,
            sequence,
            pending,
            sampler: Sampler::new(&job.options),
            written: 0,
            max_tokens,
            generation: Generation { usage, ..Generation::default() },
            thoughts: String::new(),
            fingerprint,
            engine: self,
        };
        let outcome = run.message();
        let Run { sequence, mut generation, thoughts, written, .. } = run;
        self.cache.keep(sequence);
        generation.finish = outcome?;
        generation.thoughts = (!thoughts.is_empty()).then_some(thoughts);
        generation.usage.completion_tokens = written;
        Ok(generation)
    }

    fn error(&self, message: impl Into<String>) -> ModelError {
        ModelError::Engine { model: self.handle.clone(), message: message.into() }
    }
}

impl Run<'_> {
    fn message(&mut self) -> Result<Finish, ModelError> {
        match self.job.prompt.tool_choice {
            ToolChoice::Required if self.job.prompt.menu.is_empty() => {
                Err(self.engine.error("a call is required, but there is no tool on the menu"))
            }
            ToolChoice::Required => {
                if self.engine.style == CallStyle::Tagged {
                    self.force(CALL_BEGIN);
                }
                Ok(finish(self.call()?))
            }
            ToolChoice::None => match &self.job.options.text_pattern {
                Some(pattern) => Ok(finish(self.bound_text(pattern)?)),
                None => Ok(finish(self.text(false)?)),
            },
            ToolChoice::Auto => self.text_and_calls(),
        }
    }

    fn text_and_calls(&mut self) -> Result<Finish, ModelError> {
        let can_call = !self.job.prompt.menu.is_empty();
        loop {
            let more_calls = can_call && self.generation.tool_calls.len() < MAX_CALLS;
            match self.text(more_calls)? {
                Ended::Call => {}
                ended => return Ok(finish(ended)),
            }
            match self.call()? {
                Ended::Message if self.engine.style == CallStyle::Tagged => self.force(CALL_END),
                ended => return Ok(finish(ended)),
            }
        }
    }

    /// Free text, until the message ends or, where calls are possible, one begins.
    fn text(&mut self, can_call: bool) -> Result<Ended, ModelError> {
        let mut stream = TextStream::default();
        let mut at_start = self.generation.tool_calls.is_empty();
        let mut thinking = at_start && self.job.rendered.trim_end().ends_with("<think>");
        let begin = self.sequence.tokens().len() + self.pending.len();
        let mut bytes_written = Vec::new();
        loop {
            let token = match self.next_text_token()? {
                Ok(token) => token,
                Err(ended) => {
                    let rest = stream.finish();
                    self.write(&rest, thinking, &mut at_start);
                    return Ok(ended);
                }
            };
            let tokenizer = self.engine.tokenizer.clone();
            let bytes = tokenizer.bytes(token);
            if can_call && at_start && !thinking && self.begins_bare_call(bytes) {
                self.pending.pop();
                self.written -= 1;
                return Ok(Ended::Call);
            }
            bytes_written.extend_from_slice(bytes);
            stream.push(bytes);
            loop {
                let markers = self.markers(can_call, thinking, at_start);
                let (text, marker) = stream.release(&markers);
                self.write(&text, thinking, &mut at_start);
                match marker {
                    None => break,
                    Some(Marker::ThoughtsBegin) => thinking = true,
                    Some(Marker::ThoughtsEnd) => thinking = false,
                    Some(Marker::Stop) => return Ok(Ended::Message),
                    Some(Marker::Call) => {
                        self.rewrite_as_call(begin, &bytes_written);
                        return Ok(Ended::Call);
                    }
                }
            }
        }
    }

    /// Text that follows a pattern to its end.
    fn bound_text(&mut self, pattern: &str) -> Result<Ended, ModelError> {
        let mut matcher = self.engine.grammars.text_matcher(pattern).map_err(|error| self.engine.error(error))?;
        let mut stream = TextStream::default();
        let mut at_start = true;
        let ended = loop {
            let forced = matcher.consume_ff_tokens();
            for token in &forced {
                stream.push(self.engine.tokenizer.bytes(*token));
            }
            self.written += forced.len();
            self.pending.extend(forced);
            let (text, _) = stream.release(&[]);
            self.write(&text, false, &mut at_start);
            if matcher.is_stopped() {
                break Ended::Message;
            }
            if self.written >= self.max_tokens {
                break Ended::Length;
            }
            if self.evaluate_cancelled() {
                break Ended::Cancelled;
            }
            let allowed = matcher.compute_mask().map_err(|error| self.engine.error(error.to_string()))?;
            let drawn = self.sampler.draw(self.engine.activations.logits(), &allowed);
            let token = drawn.ok_or_else(|| self.engine.error("the pattern of a text allows no token"))?;
            if self.engine.tokenizer.is_end(token) {
                break Ended::Message;
            }
            matcher.consume_token(token).map_err(|error| self.engine.error(error.to_string()))?;
            stream.push(self.engine.tokenizer.bytes(token));
            self.accept(token);
        };
        let rest = stream.finish();
        self.write(&rest, false, &mut at_start);
        Ok(ended)
    }

    fn begins_bare_call(&self, bytes: &[u8]) -> bool {
        self.engine.style == CallStyle::Bare && bytes.trim_ascii_start().first() == Some(&b'{')
    }

    fn markers(&self, can_call: bool, thinking: bool, at_start: bool) -> Vec<(String, Marker)> {
        if thinking {
            return vec![("</think>".to_owned(), Marker::ThoughtsEnd)];
        }
        let mut markers: Vec<(String, Marker)> =
            self.job.options.stop.iter().map(|stop| (stop.clone(), Marker::Stop)).collect();
        if at_start {
            markers.push(("<think>".to_owned(), Marker::ThoughtsBegin));
        }
        if can_call && self.engine.style == CallStyle::Tagged {
            markers.push(("<tool_call>".to_owned(), Marker::Call));
        }
        markers
    }

    fn write(&mut self, text: &str, thinking: bool, at_start: &mut bool) {
        let nothing_yet = if thinking { self.thoughts.is_empty() } else { self.generation.text.is_empty() };
        let text = if nothing_yet { text.trim_start() } else { text };
        if text.is_empty() {
            return;
        }
        if thinking {
            self.thoughts.push_str(text);
            (self.report)(Progress::Thoughts(text.to_owned()));
        } else {
            *at_start = false;
            self.generation.text.push_str(text);
            (self.report)(Progress::Text(text.to_owned()));
        }
    }

    /// Goes back to where the text of this piece began and puts the text before the call's tag there, with the tag as
    /// the template writes it: a token may have held the end of the one and the beginning of the other.
    fn rewrite_as_call(&mut self, begin: usize, written: &[u8]) {
        let text = String::from_utf8_lossy(written);
        let before = text.split("<tool_call>").next().unwrap_or_default();
        let mut tokens = self.engine.tokenizer.encode(before);
        tokens.extend(self.engine.tokenizer.encode_prompt_part(CALL_BEGIN));
        let evaluated = &self.sequence.tokens()[begin.min(self.sequence.tokens().len())..];
        let kept = common_prefix(evaluated, &tokens);
        self.sequence.truncate(begin + kept);
        self.pending = tokens.split_off(kept);
    }

    /// Appends text that is not the model's choice.
    fn force(&mut self, text: &str) {
        let tokens = self.engine.tokenizer.encode_prompt_part(text);
        self.written += tokens.len();
        self.pending.extend(tokens);
    }

    /// One call under the grammar of the menu.
    fn call(&mut self) -> Result<Ended, ModelError> {
        let mut matcher =
            self.engine.grammars.matcher(&self.job.prompt.menu).map_err(|error| self.engine.error(error))?;
        let index = self.generation.tool_calls.len();
        let mut call = CallText::new(index);
        let limit = self.max_tokens.saturating_add(CLOSING_TOKENS);
        loop {
            let forced = matcher.consume_ff_tokens();
            for token in &forced {
                call.push(self.engine.tokenizer.bytes(*token));
            }
            self.written += forced.len();
            self.pending.extend(forced);
            call.report(self.report);
            if matcher.is_stopped() {
                break;
            }
            if self.written >= limit {
                return Err(self.engine.error(format!("a call did not end within {limit} tokens")));
            }
            if self.evaluate_cancelled() {
                return Ok(Ended::Cancelled);
            }
            let token = self.draw_in_call(&mut matcher)?;
            if self.engine.tokenizer.is_end(token) {
                break;
            }
            matcher.consume_token(token).map_err(|error| self.engine.error(error.to_string()))?;
            call.push(self.engine.tokenizer.bytes(token));
            self.accept(token);
        }
        if let Some(error) = matcher.get_error() {
            return Err(self.engine.error(error));
        }
        let id = format!("call-{:016x}", self.fingerprint.wrapping_add(index as u64));
        let call = call.finish(id, self.report).map_err(|message| self.engine.error(message))?;
        self.generation.tool_calls.push(call);
        Ok(if self.written > self.max_tokens { Ended::Length } else { Ended::Message })
    }

    /// A token that the grammar allows; beyond `max_tokens` the one that brings the call nearest to its end.
    fn draw_in_call(&mut self, matcher: &mut Matcher) -> Result<u32, ModelError> {
        let allowed = matcher.compute_mask().map_err(|error| self.engine.error(error.to_string()))?;
        let closing = self.written >= self.max_tokens;
        let tokenizer = self.engine.tokenizer.clone();
        let logits = self.engine.activations.logits();
        let drawn = if closing {
            let rank = |token: u32| closing_rank(tokenizer.bytes(token));
            let best = allowed.iter().map(&rank).min();
            let logit = |token: u32| logits.get(token as usize).copied().unwrap_or(f32::NEG_INFINITY);
            let closest = allowed.iter().filter(|token| Some(rank(*token)) == best);
            closest.max_by(|a, b| logit(*a).total_cmp(&logit(*b)))
        } else {
            self.sampler.draw(logits, &allowed)
        };
        drawn.ok_or_else(|| self.engine.error("the grammar of a call allows no token"))
    }

    /// The next token of free text, or why there is none.
    fn next_text_token(&mut self) -> Result<Result<u32, Ended>, ModelError> {
        if self.written >= self.max_tokens {
            return Ok(Err(Ended::Length));
        }
        if self.evaluate_cancelled() {
            return Ok(Err(Ended::Cancelled));
        }
        let drawn = self.sampler.draw(self.engine.activations.logits(), &self.engine.text_tokens);
        let token = drawn.ok_or_else(|| self.engine.error("the model gives no probabilities"))?;
        if self.engine.tokenizer.is_end(token) {
            return Ok(Err(Ended::Message));
        }
        self.accept(token);
        Ok(Ok(token))
    }

    fn accept(&mut self, token: u32) {
        self.written += 1;
        self.sampler.note(token);
        self.pending.push(token);
    }

    /// Evaluates what is pending, so that the logits after it are there. Returns whether it was cancelled instead.
    fn evaluate_cancelled(&mut self) -> bool {
        let total = self.pending.len();
        let mut done = 0;
        while done < total {
            if self.job.cancel.is_cancelled() {
                self.pending.drain(..done);
                return true;
            }
            let batch = &self.pending[done..total.min(done + BATCH_TOKENS)];
            let last = done + batch.len() == total;
            let Engine { decoder, activations, .. } = &mut *self.engine;
            let key_values = &mut self.sequence.key_values;
            Team::gather(|team| {
                decoder.forward(team, batch, key_values, activations);
                if last {
                    decoder.finish(team, activations);
                }
            });
            self.sequence.extend(batch);
            done += batch.len();
            if total > 1 && self.written == 0 {
                (self.report)(Progress::Reading { tokens: done, of: total });
            }
        }
        self.pending.clear();
        self.job.cancel.is_cancelled()
    }
}

fn finish(ended: Ended) -> Finish {
    match ended {
        Ended::Message | Ended::Call => Finish::Stop,
        Ended::Length => Finish::Length,
        Ended::Cancelled => Finish::Cancelled,
    }
}

/// A number of the prompt and seed (FNV-1a), so that calls of different messages have different ids and a repeated
/// generation the same.
fn fingerprint(prompt: &[u32], seed: u64) -> u64 {
    let bytes = prompt.iter().flat_map(|token| token.to_le_bytes()).chain(seed.to_le_bytes());
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}
