//! The choice of the next token from the logits.
//!
//! In this order, as llama.cpp does it: repetition penalty, grammar mask, top-p and min-p on the untempered
//! probabilities, then temperature. Penalised are only tokens of the answer itself: a prompt holds the facts that the
//! answer should repeat.

use resident_agent::GenerateOptions;
use toktrie::SimpleVob;

/// Tokens of the answer that the repetition penalty looks back at.
const PENALTY_WINDOW: usize = 64;

/// Tokens this far below the likeliest (2e-9 of its probability) are never drawn, which keeps the candidates few.
const NEGLIGIBLE: f32 = 20.0;

/// Draws tokens; the same seed and logits give the same tokens, on every platform and in every later version.
#[derive(Debug)]
pub(crate) struct Sampler {
    temperature: f32,
    top_p: f32,
    min_p: f32,
    repetition_penalty: f32,
    state: u64,
    recent: Vec<u32>,
    candidates: Vec<(f32, u32)>,
}

impl Sampler {
    /// A sampler for one generation. Numbers outside their range are taken to its nearest end.
    pub(crate) fn new(options: &GenerateOptions) -> Self {
        let finite = |value: f32, otherwise: f32| if value.is_finite() { value } else { otherwise };
        Self {
            temperature: finite(options.temperature, 0.0).max(0.0),
            top_p: finite(options.top_p, 1.0).clamp(0.0, 1.0),
            min_p: finite(options.min_p, 0.0).clamp(0.0, 1.0),
            repetition_penalty: finite(options.repetition_penalty, 1.0).max(f32::EPSILON),
            state: options.seed,
            recent: Vec::new(),
            candidates: Vec::new(),
        }
    }

    /// The next token among those that `allowed` has, or nothing when it has none.
    pub(crate) fn draw(&mut self, logits: &[f32], allowed: &SimpleVob) -> Option<u32> {
        self.gather(logits, allowed);
        let &(largest, likeliest) = self.candidates.iter().max_by(|a, b| a.0.total_cmp(&b.0).then(b.1.cmp(&a.1)))?;
        if self.temperature == 0.0 {
            return Some(likeliest);
        }
        let floor = if self.min_p > 0.0 { largest + self.min_p.ln() } else { f32::NEG_INFINITY };
        self.candidates.retain(|(logit, _)| *logit >= floor.max(largest - NEGLIGIBLE));
        self.candidates.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        self.keep_nucleus(largest);
        let weight = |logit: f32| f64::from((logit - largest) / self.temperature).exp();
        let total: f64 = self.candidates.iter().map(|(logit, _)| weight(*logit)).sum();
        let mut rest = uniform(&mut self.state) * total;
        for (logit, token) in &self.candidates {
            rest -= weight(*logit);
            if rest <= 0.0 {
                return Some(*token);
            }
        }
        self.candidates.last().map(|(_, token)| *token)
    }

    /// Notes a token of the answer.
    pub(crate) fn note(&mut self, token: u32) {
        if self.recent.len() == PENALTY_WINDOW {
            self.recent.remove(0);
        }
        self.recent.push(token);
    }

    fn gather(&mut self, logits: &[f32], allowed: &SimpleVob) {
        self.candidates.clear();
        let candidates = &mut self.candidates;
        allowed.iter_set_entries(|token| {
            if let Some(logit) = logits.get(token).filter(|logit| !logit.is_nan()) {
                candidates.push((*logit, token as u32));
            }
        });
        if self.repetition_penalty == 1.0 || self.recent.is_empty() {
            return;
        }
        let mut seen = self.recent.clone();
        seen.sort_unstable();
        for (logit, token) in candidates.iter_mut() {
            if seen.binary_search(token).is_ok() {
                *logit = if *logit > 0.0 { *logit / self.repetition_penalty } else { *logit * self.repetition_penalty };
            }
        }
    }

    /// Keeps the fewest of the sorted candidates whose probabilities reach top-p.
    fn keep_nucleus(&mut self, largest: f32) {
        if self.top_p >= 1.0 {
            return;
        }
        let probability = |logit: f32| f64::from(logit - largest).exp();
        let total: f64 = self.candidates.iter().map(|(logit, _)| probability(*logit)).sum();
        let mut reached = 0.0;
        let within = self.candidates.iter().take_while(|(logit, _)| {
            let before = reached;
            reached += probability(*logit);
            before < f64::from(self.top_p) * total
        });
        let keep = within.count().max(1);
        self.candidates.truncate(keep);
    }
}

/// The next number of SplitMix64 (doi 10.1145/2714064.2660195), in 0..1.
fn uniform(state: &mut u64) -> f64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut mixed = *state;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((mixed ^ (mixed >> 31)) >> 11) as f64 / (1u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options() -> GenerateOptions {
        GenerateOptions {
            temperature: 1.0,
            top_p: 1.0,
            min_p: 0.0,
            repetition_penalty: 1.0,
            ..GenerateOptions::default()
        }
    }

    fn drawn(options: &GenerateOptions, logits: &[f32], allowed: &SimpleVob) -> Vec<u32> {
        let mut sampler = Sampler::new(options);
        (0..2_000).map(|_| sampler.draw(logits, allowed).unwrap()).collect()
    }

    #[test]
    fn tokens_come_by_their_probabilities() {
        let all = SimpleVob::from_slice(&[true; 3]);
        let tokens = drawn(&options(), &[0.0, (3f32).ln(), f32::NEG_INFINITY], &all);
        let threes = tokens.iter().filter(|token| **token == 1).count();
        assert!((1_400..1_600).contains(&threes), "{threes} of 2000, 1500 expected");
        assert!(!tokens.contains(&2));
    }

    #[test]
    fn the_same_seed_draws_the_same_tokens() {
        let all = SimpleVob::from_slice(&[true; 4]);
        let logits = [0.1, 0.2, 0.3, 0.4];
        assert_eq!(drawn(&options(), &logits, &all), drawn(&options(), &logits, &all));
        let other = GenerateOptions { seed: 1, ..options() };
        assert_ne!(drawn(&options(), &logits, &all), drawn(&other, &logits, &all));
    }

    #[test]
    fn top_p_min_p_and_the_mask_leave_tokens_out() {
        let all = SimpleVob::from_slice(&[true; 3]);
        let logits = [(0.6f32).ln(), (0.3f32).ln(), (0.1f32).ln()];
        let top = GenerateOptions { top_p: 0.8, ..options() };
        assert!(drawn(&top, &logits, &all).iter().all(|token| *token < 2));
        let min = GenerateOptions { min_p: 0.2, ..options() };
        assert!(drawn(&min, &logits, &all).iter().all(|token| *token < 2));
        let masked = SimpleVob::from_slice(&[false, false, true]);
        assert!(drawn(&options(), &logits, &masked).iter().all(|token| *token == 2));
        assert_eq!(Sampler::new(&options()).draw(&logits, &SimpleVob::from_slice(&[false; 3])), None);
    }

    #[test]
    fn a_repeated_token_becomes_less_likely_whatever_its_sign() {
        let all = SimpleVob::from_slice(&[true; 2]);
        let greedy = GenerateOptions { temperature: 0.0, repetition_penalty: 2.0, ..options() };
        for logits in [[1.0, 0.9], [-0.9, -1.0]] {
            let mut sampler = Sampler::new(&greedy);
            assert_eq!(sampler.draw(&logits, &all), Some(0));
            sampler.note(0);
            assert_eq!(sampler.draw(&logits, &all), Some(1));
        }
    }
}
