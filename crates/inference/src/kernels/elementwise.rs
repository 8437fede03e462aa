//! The small functions between the matrix products: root mean square norm, rotary positions, the gated activation.

/// Adds `other` to `x`, element by element.
#[inline(always)]
pub(crate) fn add(x: &mut [f32], other: &[f32]) {
    for (x, other) in x.iter_mut().zip(other) {
        *x += other;
    }
}

/// Writes the row `x` to `out`, divided by its root mean square and scaled by `weight` (RMSNorm, arXiv 1910.07467).
#[inline(always)]
pub(crate) fn rms_norm(x: &[f32], weight: &[f32], epsilon: f32, out: &mut [f32]) {
    let scale = rms_scale(x, epsilon);
    for ((out, value), weight) in out.iter_mut().zip(x).zip(weight) {
        *out = value * (scale * weight);
    }
}

/// [`rms_norm`] in place, of each head of a row.
#[inline(always)]
pub(crate) fn rms_norm_heads(x: &mut [f32], weight: &[f32], epsilon: f32) {
    for head in x.chunks_exact_mut(weight.len()) {
        let scale = rms_scale(head, epsilon);
        for (value, weight) in head.iter_mut().zip(weight) {
            *value *= scale * weight;
        }
    }
}

#[inline(always)]
fn rms_scale(x: &[f32], epsilon: f32) -> f32 {
    1.0 / (sum_of(x, |value| value * value) / x.len() as f32 + epsilon).sqrt()
}

/// Norms each row of `x`, as long as `weight`, to mean 0 and variance 1, then scales and shifts it (LayerNorm, arXiv
/// 1607.06450).
#[inline(always)]
pub(crate) fn layer_norm(x: &mut [f32], weight: &[f32], bias: &[f32], epsilon: f32) {
    let count = weight.len() as f32;
    for row in x.chunks_exact_mut(weight.len()) {
        let mean = sum_of(row, |value| value) / count;
        let variance = sum_of(row, |value| (value - mean) * (value - mean)) / count;
        let scale = 1.0 / (variance + epsilon).sqrt();
        for ((value, weight), bias) in row.iter_mut().zip(weight).zip(bias) {
            *value = (*value - mean) * scale * weight + bias;
        }
    }
}

/// The sum over a row, in sixteen lanes so that it can be made in registers.
#[inline(always)]
fn sum_of(row: &[f32], of: impl Fn(f32) -> f32) -> f32 {
    let mut lanes = [0f32; 16];
    let (sixteens, rest) = row.as_chunks::<16>();
    for sixteen in sixteens {
        for (lane, value) in lanes.iter_mut().zip(sixteen) {
            *lane += of(*value);
        }
    }
    lanes.iter().sum::<f32>() + rest.iter().map(|value| of(*value)).sum::<f32>()
}

/// The Gaussian error linear unit (arXiv 1606.08415) of every element, by the error function and not its `tanh`
/// stand-in. The error function is within 2e-7 (Abramowitz and Stegun, 7.1.26).
#[inline(always)]
pub(crate) fn gelu(x: &mut [f32]) {
    for value in x {
        let z = value.abs() * std::f32::consts::FRAC_1_SQRT_2;
        let t = 1.0 / (1.0 + 0.327_591_1 * z);
        let series = ((((1.061_405_4 * t - 1.453_152) * t + 1.421_413_8) * t - 0.284_496_74) * t + 0.254_829_6) * t;
        let error = 1.0 - series * exp(-z * z);
        *value = 0.5 * (*value + value.abs() * error);
    }
}

/// Writes `silu(gate) * up` to `out` (SwiGLU, arXiv 2002.05202); `x` is the gate and then up.
#[inline(always)]
pub(crate) fn silu_multiply(x: &[f32], out: &mut [f32]) {
    let (gate, up) = x.split_at(x.len() / 2);
    for ((gate, up), out) in gate.iter().zip(up).zip(out) {
        *out = gate / (1.0 + exp(-gate)) * up;
    }
}

/// Writes `gelu(gate) * up` to `out`, with the `tanh` stand-in for the error function (arXiv 1606.08415), which Gemma was
/// trained with; `x` is the gate and then up.
#[inline(always)]
pub(crate) fn gelu_multiply(x: &[f32], out: &mut [f32]) {
    /// The square root of 2 / pi, twice: `1 + tanh(z)` is `2 / (1 + exp(-2 z))`.
    const FACTOR: f32 = 1.595_769_2;
    let (gate, up) = x.split_at(x.len() / 2);
    for ((gate, up), out) in gate.iter().zip(up).zip(out) {
        let twice = FACTOR * (gate + 0.044_715 * gate * gate * gate);
        *out = gate / (1.0 + exp(-twice)) * up;
    }
}

/// Which components are rotated together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RopeStyle {
    /// Neighbours, as GGUF files of the llama architecture are laid out.
    Neighbours,
    /// Component `i` and `i + dimensions / 2`, as Qwen's are.
    Halves,
}

/// Rotary positions (arXiv 2104.09864).
#[derive(Debug)]
pub(crate) struct Rope {
    pub(crate) style: RopeStyle,
    /// Radians a position, `(dimensions / 2)`; the components beyond them are left as they are.
    frequencies: Vec<f32>,
}

impl Rope {
    /// Rotations of the first `dimensions` components of a head. `factors`, where a file has them, divide the
    /// frequencies one by one (Llama 3.1's long context).
    pub(crate) fn new(style: RopeStyle, dimensions: usize, base: f32, factors: Option<&[f32]>) -> Self {
        let frequencies = (0..dimensions / 2)
            .map(|index| {
                let frequency = f64::from(base).powf(-2.0 * index as f64 / dimensions as f64);
                let factor = factors.and_then(|factors| factors.get(index)).copied().unwrap_or(1.0);
                (frequency / f64::from(factor)) as f32
            })
            .collect();
        Self { style, frequencies }
    }

    /// Writes to `turns` how a token at each of the positions is turned: sine and cosine of every pair's angle.
    pub(crate) fn turns(&self, positions: std::ops::Range<usize>, turns: &mut Vec<(f32, f32)>) {
        turns.clear();
        for position in positions {
            turns.extend(self.frequencies.iter().map(|frequency| (position as f32 * frequency).sin_cos()));
        }
    }

    /// Pairs of components that are turned.
    pub(crate) fn pairs(&self) -> usize {
        self.frequencies.len()
    }

    /// Turns every head of a token's row.
    #[inline(always)]
    pub(crate) fn rotate(&self, row: &mut [f32], head_dimensions: usize, turns: &[(f32, f32)]) {
        for head in row.chunks_exact_mut(head_dimensions) {
            self.rotate_head(head, turns);
        }
    }

    #[inline(always)]
    fn rotate_head(&self, head: &mut [f32], turns: &[(f32, f32)]) {
        match self.style {
            RopeStyle::Neighbours => {
                for ([a, b], (sin, cos)) in head.as_chunks_mut::<2>().0.iter_mut().zip(turns) {
                    (*a, *b) = (*a * cos - *b * sin, *a * sin + *b * cos);
                }
            }
            RopeStyle::Halves => {
                let (first, second) = head.split_at_mut(turns.len());
                for ((a, b), (sin, cos)) in first.iter_mut().zip(second).zip(turns) {
                    (*a, *b) = (*a * cos - *b * sin, *a * sin + *b * cos);
                }
            }
        }
    }
}

/// `e` to the `x`, within 2e-7 of its value; plain arithmetic that the compiler turns into vector code, unlike the
/// library's function. The polynomial is that of Cephes `expf`.
#[inline(always)]
pub(super) fn exp(x: f32) -> f32 {
    /// Added and taken away again, it rounds to an integer.
    const ROUND: f32 = 12_582_912.0;
    let x = x.clamp(-87.0, 88.0);
    let power = (x * std::f32::consts::LOG2_E + ROUND) - ROUND;
    // ln 2 in two parts, so that the difference is exact.
    let rest = x - power * 0.693_359_4 + power * 2.121_944_4e-4;
    let mut series = 1.987_569_1e-4;
    series = series * rest + 1.398_2e-3;
    series = series * rest + 8.333_452e-3;
    series = series * rest + 4.166_579_6e-2;
    series = series * rest + 1.666_666_5e-1;
    series = series * rest + 0.5;
    series = series * rest * rest + rest + 1.0;
    series * f32::from_bits(((power as i32 + 127) as u32) << 23)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exp_is_within_its_tolerance() {
        let mut x = -87.0f32;
        while x < 88.0 {
            let expected = f64::from(x).exp();
            assert!((f64::from(exp(x)) / expected - 1.0).abs() < 4e-7, "{x}: {} {expected}", exp(x));
            x += 0.013;
        }
    }

    #[test]
    fn gelu_is_within_its_tolerance() {
        // Values of the exact function, from a table of the normal distribution.
        for (x, expected) in [(0.0, 0.0), (1.0, 0.841_344_7), (-1.0, -0.158_655_25), (3.0, 2.995_95), (-6.0, 0.0)] {
            let mut value = [x];
            gelu(&mut value);
            assert!((value[0] - expected).abs() < 1e-6, "{x}: {} {expected}", value[0]);
        }
    }

    #[test]
    fn a_gated_gelu_is_within_its_tolerance() {
        // 0.5 x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))), worked out in double precision.
        for (x, expected) in [(0.0, 0.0), (1.0, 0.841_192), (-1.0, -0.158_808), (3.0, 2.996_362), (-8.0, 0.0)] {
            let mut out = [0.0];
            gelu_multiply(&[x, 2.0], &mut out);
            assert!((out[0] - 2.0 * expected).abs() < 2e-6, "{x}: {} {expected}", out[0]);
        }
    }

    #[test]
    fn a_layer_norm_has_mean_zero_and_variance_one() {
        let mut row: Vec<f32> = (0..48).map(|index| (index * index) as f32).collect();
        layer_norm(&mut row, &[1.0; 48], &[0.0; 48], 1e-12);
        assert!(row.iter().sum::<f32>().abs() < 1e-4);
        assert!((row.iter().map(|value| value * value).sum::<f32>() / 48.0 - 1.0).abs() < 1e-4);
    }

    #[test]
    fn a_rotation_keeps_lengths_and_depends_on_the_distance_only() {
        for style in [RopeStyle::Neighbours, RopeStyle::Halves] {
            let rope = Rope::new(style, 16, 10_000.0, None);
            let query: Vec<f32> = (0..16).map(|index| (index as f32).sin()).collect();
            let key: Vec<f32> = (0..16).map(|index| (index as f32 * 1.7).cos()).collect();
            let dot_at = |query_at: usize, key_at: usize| {
                let (mut query, mut key) = (query.clone(), key.clone());
                let mut turns = Vec::new();
                rope.turns(query_at..query_at + 1, &mut turns);
                rope.rotate(&mut query, 16, &turns);
                rope.turns(key_at..key_at + 1, &mut turns);
                rope.rotate(&mut key, 16, &turns);
                query.iter().zip(&key).map(|(a, b)| a * b).sum::<f32>()
            };
            assert!((dot_at(5, 3) - dot_at(105, 103)).abs() < 1e-3);
        }
    }
}
