//! Keys and values of evaluated tokens, and the choice of which evaluated sequence a prompt goes on from.
//!
//! A few sequences are kept, so that prompts that alternate (a guided step and an answer, say) each find their own
//! prefix again. Evaluating a token costs far more than copying its keys and values: where a prompt leaves a sequence
//! early, the common part is copied and the sequence stays.

use crate::kernels::KeyValues;

/// Sequences that are kept. An agent's turn alternates between two or three prompts; one more is for another agent.
const SLOTS: usize = 4;

/// A sequence that loses no more than this many tokens is cut in place and not copied: they are the end of an answer
/// that was written down differently, and nobody comes back for them.
const CUT_TOKENS: usize = 32;

/// All slots together keep at most this many context windows of tokens, so that their memory has a bound.
const WINDOWS: usize = 2;

/// The keys and values of one sequence, layer by layer.
#[derive(Debug, Clone, Default)]
pub(crate) struct LayerKeyValues(pub(crate) Vec<KeyValues>);

impl LayerKeyValues {
    fn new(layers: usize, width: usize) -> Self {
        Self(vec![KeyValues::new(width); layers])
    }

    fn reserve(&mut self, tokens: usize) {
        self.0.iter_mut().for_each(|layer| layer.reserve(tokens));
    }

    fn truncate(&mut self, tokens: usize) {
        self.0.iter_mut().for_each(|layer| layer.truncate(tokens));
    }

    fn copy_prefix(&self, tokens: usize) -> Self {
        Self(self.0.iter().map(|layer| layer.copy_prefix(tokens)).collect())
    }
}

/// An evaluated sequence: `key_values` holds exactly `tokens`.
#[derive(Debug)]
pub(crate) struct Sequence {
    tokens: Vec<u32>,
    pub(crate) key_values: LayerKeyValues,
    used: u64,
}

impl Sequence {
    /// The tokens that have been evaluated.
    pub(crate) fn tokens(&self) -> &[u32] {
        &self.tokens
    }

    /// Forgets all but the first `tokens`.
    pub(crate) fn truncate(&mut self, tokens: usize) {
        self.tokens.truncate(tokens);
        self.key_values.truncate(tokens);
    }

    /// Notes that the decoder has appended the keys and values of `tokens`.
    pub(crate) fn extend(&mut self, tokens: &[u32]) {
        self.tokens.extend_from_slice(tokens);
    }
}

/// The kept sequences.
#[derive(Debug)]
pub(crate) struct SequenceCache {
    slots: Vec<Sequence>,
    layers: usize,
    width: usize,
    window_tokens: usize,
    clock: u64,
}

impl SequenceCache {
    /// An empty cache for a model of `layers` whose keys are `width` wide.
    pub(crate) fn new(layers: usize, width: usize, window_tokens: usize) -> Self {
        Self { slots: Vec::new(), layers, width, window_tokens, clock: 0 }
    }

    /// Takes out the sequence that `prompt` goes on from, cut to their common prefix; it is evaluated up to there.
    /// At least the last token of the prompt is left to be evaluated, since its logits are wanted. There is room for
    /// an answer of `answer_tokens`. Give it back with [`Self::keep`]; a sequence whose evaluation failed is dropped
    /// instead.
    pub(crate) fn take(&mut self, prompt: &[u32], answer_tokens: usize) -> Sequence {
        let usable = &prompt[..prompt.len().saturating_sub(1)];
        let best = (0..self.slots.len())
            .map(|index| (common_prefix(&self.slots[index].tokens, usable), index))
            .max_by_key(|(length, index)| (*length, self.slots[*index].used));
        let mut sequence = match best {
            Some((length, index)) if length > 0 => {
                if length + CUT_TOKENS >= self.slots[index].tokens.len() {
                    let mut sequence = self.slots.swap_remove(index);
                    sequence.truncate(length);
                    sequence
                } else {
                    self.clock += 1;
                    self.slots[index].used = self.clock;
                    let from = &self.slots[index];
                    let key_values = from.key_values.copy_prefix(length);
                    Sequence { tokens: usable[..length].to_vec(), key_values, used: 0 }
                }
            }
            Some(_) | None => {
                let key_values = LayerKeyValues::new(self.layers, self.width);
                Sequence { tokens: Vec::new(), key_values, used: 0 }
            }
        };
        sequence.key_values.reserve(prompt.len() + answer_tokens);
        sequence
    }

    /// Keeps a sequence for later prompts, in place of the one that was not used for longest.
    pub(crate) fn keep(&mut self, mut sequence: Sequence) {
        self.clock += 1;
        sequence.used = self.clock;
        self.slots.push(sequence);
        while self.slots.len() > 1 && (self.slots.len() > SLOTS || self.kept_tokens() > WINDOWS * self.window_tokens) {
            let oldest = (0..self.slots.len()).min_by_key(|index| self.slots[*index].used);
            self.slots.swap_remove(oldest.expect("there is more than one slot"));
        }
    }

    fn kept_tokens(&self) -> usize {
        self.slots.iter().map(|slot| slot.tokens.len()).sum()
    }
}

/// How many tokens both begin with.
pub(crate) fn common_prefix(a: &[u32], b: &[u32]) -> usize {
    a.iter().zip(b).take_while(|(a, b)| a == b).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::{KeyValueRows, Simd, Team};

    /// Keys that tell the tokens, and values of the opposite sign.
    fn append(layer: &mut KeyValues, tokens: &[u32]) {
        let rows: Vec<f32> =
            tokens.iter().flat_map(|token| [(*token % 2_048) as f32, -((*token % 2_048) as f32)]).collect();
        let from = KeyValueRows { rows: &rows, stride: 2, key: 0, value: 1 };
        Team::gather(|team| layer.append((team, Simd::detect()), from));
    }

    fn evaluated(cache: &mut SequenceCache, prompt: &[u32]) -> usize {
        let mut sequence = cache.take(prompt, 0);
        let cached = sequence.tokens().len();
        for layer in &mut sequence.key_values.0 {
            append(layer, &prompt[cached..]);
        }
        sequence.extend(&prompt[cached..]);
        assert_eq!(sequence.tokens(), prompt);
        let mut expected = KeyValues::new(1);
        append(&mut expected, prompt);
        assert!(sequence.key_values.0.iter().all(|layer| *layer == expected));
        cache.keep(sequence);
        cached
    }

    fn prompt(prefix: u32, tail: u32) -> Vec<u32> {
        (0..100).map(|token| token + prefix).chain((0..60).map(|token| 1_000 + tail + token)).collect()
    }

    #[test]
    fn alternating_prompts_each_keep_their_prefix() {
        let mut cache = SequenceCache::new(2, 1, 4_096);
        assert_eq!(evaluated(&mut cache, &prompt(0, 0)), 0);
        assert_eq!(evaluated(&mut cache, &prompt(0, 500)), 100, "the common part is copied");
        assert_eq!(evaluated(&mut cache, &prompt(0, 0)), 159, "the first sequence is still whole");
        assert_eq!(evaluated(&mut cache, &prompt(0, 500)), 159, "and so is the second");
    }

    #[test]
    fn the_sequence_unused_for_longest_makes_room() {
        let mut cache = SequenceCache::new(1, 1, 4_096);
        for prefix in 0..=SLOTS as u32 {
            assert_eq!(evaluated(&mut cache, &prompt(prefix * 10_000, 0)), 0);
        }
        assert_eq!(evaluated(&mut cache, &prompt(0, 0)), 0, "the first was dropped");
        assert_eq!(evaluated(&mut cache, &prompt(40_000, 0)), 159);
    }

    #[test]
    fn memory_is_bounded_by_two_windows() {
        let mut cache = SequenceCache::new(1, 1, 160);
        for prefix in 0..4 {
            evaluated(&mut cache, &prompt(prefix * 10_000, 0));
        }
        assert!(cache.kept_tokens() <= 320);
    }
}
