//! Weight matrices as they lie in memory: quantised in blocks of 32 along a row, with half-precision scales beside
//! them, or as they are.
//!
//! Two quantised forms hold every GGUF type. `Four` is `w = scale * q + minimum` with `q` in 0..=15: Q4_0, Q4_1 and Q4_K fit it
//! as they are. `Eight` is `w = scale * q` with `q` in -127..=127: Q8_0 and Q5_0 fit it as they are, and what has
//! more bits or another grouping is rounded to it, which costs less than the file's own quantisation did (at most
//! half a step of 1/127 of the block's largest weight).

use half::f16;

/// Weights of a block; a row is a whole number of blocks.
pub(crate) const BLOCK: usize = 32;

/// A matrix `(rows, columns)`.
#[derive(Debug)]
pub(crate) struct Matrix {
    pub(super) rows: usize,
    pub(super) columns: usize,
    pub(super) weights: Weights,
}

/// The forms; scales are half-precision bits, one a block.
#[derive(Debug)]
pub(super) enum Weights {
    /// Sixteen bytes a block: the low nibbles are its first sixteen weights, the high nibbles the others.
    Four { quants: Vec<u8>, scales: Vec<u16>, minima: Vec<u16> },
    /// 32 bytes a block.
    Eight { quants: Vec<i8>, scales: Vec<u16> },
    /// Full precision, for encoders so small that their size does not matter.
    Single(Vec<f32>),
}

impl Matrix {
    /// A matrix in full precision; `columns` is a multiple of 16.
    pub(crate) fn single(rows: usize, columns: usize, values: Vec<f32>) -> Self {
        debug_assert_eq!(values.len(), rows * columns, "one value a place");
        Self { rows, columns, weights: Weights::Single(values) }
    }

    /// A matrix of the 4-bit form, from blocks of `scale f16, minimum f16, 16 bytes` (Q4_1).
    pub(crate) fn from_q4_1(rows: usize, columns: usize, raw: &[u8]) -> Self {
        let mut four = FourBuilder::with_blocks(rows * columns / BLOCK);
        for block in raw.as_chunks::<20>().0 {
            four.push([block[0], block[1]], [block[2], block[3]], &block[4..]);
        }
        four.build(rows, columns)
    }

    /// A matrix of the 4-bit form, from blocks of `scale f16, 16 bytes`, centred on 8 (Q4_0).
    pub(crate) fn from_q4_0(rows: usize, columns: usize, raw: &[u8]) -> Self {
        let mut four = FourBuilder::with_blocks(rows * columns / BLOCK);
        for block in raw.as_chunks::<18>().0 {
            let scale = f16::from_le_bytes([block[0], block[1]]);
            let minimum = f16::from_f32(-8.0 * scale.to_f32());
            four.push([block[0], block[1]], minimum.to_le_bytes(), &block[2..]);
        }
        four.build(rows, columns)
    }

    /// A matrix of the 4-bit form, from super-blocks of 256 with 6-bit scales and minima (Q4_K; the layout is
    /// `block_q4_K` of <https://github.com/ggml-org/ggml/blob/master/src/ggml-common.h>).
    pub(crate) fn from_q4_k(rows: usize, columns: usize, raw: &[u8]) -> Self {
        let mut four = FourBuilder::with_blocks(rows * columns / BLOCK);
        for block in raw.as_chunks::<144>().0 {
            let scale = f16::from_le_bytes([block[0], block[1]]).to_f32();
            let minimum = f16::from_le_bytes([block[2], block[3]]).to_f32();
            let (packed, quants) = block[4..].split_at(12);
            for (pair, bytes) in quants.as_chunks::<32>().0.iter().enumerate() {
                for high in [false, true] {
                    let (sub_scale, sub_minimum) = six_bit_pair(2 * pair + usize::from(high), packed);
                    let nibble = |index: usize| if high { bytes[index] >> 4 } else { bytes[index] & 15 };
                    let repacked: [u8; 16] = std::array::from_fn(|index| nibble(index) | (nibble(index + 16) << 4));
                    four.push(
                        f16::from_f32(scale * f32::from(sub_scale)).to_le_bytes(),
                        f16::from_f32(-minimum * f32::from(sub_minimum)).to_le_bytes(),
                        &repacked,
                    );
                }
            }
        }
        four.build(rows, columns)
    }

    /// A matrix of the 8-bit form, from blocks of `scale f16, 32 bytes` (Q8_0).
    pub(crate) fn from_q8_0(rows: usize, columns: usize, raw: &[u8]) -> Self {
        let blocks = rows * columns / BLOCK;
        let (mut quants, mut scales) = (Vec::with_capacity(blocks * BLOCK), Vec::with_capacity(blocks));
        for block in raw.as_chunks::<34>().0 {
            scales.push(u16::from_le_bytes([block[0], block[1]]));
            quants.extend(block[2..].iter().map(|byte| byte.cast_signed()));
        }
        Self { rows, columns, weights: Weights::Eight { quants, scales } }
    }

    /// A matrix of the 8-bit form, rounded from full precision.
    pub(crate) fn from_f32(rows: usize, columns: usize, values: &[f32]) -> Self {
        let blocks = rows * columns / BLOCK;
        let (mut quants, mut scales) = (Vec::with_capacity(blocks * BLOCK), Vec::with_capacity(blocks));
        for block in values.as_chunks::<BLOCK>().0 {
            let largest = block.iter().fold(0f32, |largest, value| largest.max(value.abs()));
            let scale = f16::from_f32(largest / 127.0);
            let inverse = if scale.to_f32() > 0.0 { 1.0 / scale.to_f32() } else { 0.0 };
            scales.push(scale.to_bits());
            quants.extend(block.iter().map(|value| (value * inverse).round().clamp(-127.0, 127.0) as i8));
        }
        Self { rows, columns, weights: Weights::Eight { quants, scales } }
    }

    /// The rows of `self` and then those of `below`, where both have the same form and width.
    ///
    /// # Errors
    /// Both, as they were, where they differ.
    pub(crate) fn stack(self, below: Self) -> Result<Self, Box<(Self, Self)>> {
        if self.columns != below.columns {
            return Err(Box::new((self, below)));
        }
        let (rows, columns) = (self.rows + below.rows, self.columns);
        let weights = match (self.weights, below.weights) {
            (
                Weights::Four { mut quants, mut scales, mut minima },
                Weights::Four { quants: more_quants, scales: more_scales, minima: more_minima },
            ) => {
                quants.extend(more_quants);
                scales.extend(more_scales);
                minima.extend(more_minima);
                Weights::Four { quants, scales, minima }
            }
            (
                Weights::Eight { mut quants, mut scales },
                Weights::Eight { quants: more_quants, scales: more_scales },
            ) => {
                quants.extend(more_quants);
                scales.extend(more_scales);
                Weights::Eight { quants, scales }
            }
            (Weights::Single(mut values), Weights::Single(more)) => {
                values.extend(more);
                Weights::Single(values)
            }
            (upper @ Weights::Four { .. }, lower @ (Weights::Eight { .. } | Weights::Single(_)))
            | (upper @ Weights::Eight { .. }, lower @ (Weights::Four { .. } | Weights::Single(_)))
            | (upper @ Weights::Single(_), lower @ (Weights::Four { .. } | Weights::Eight { .. })) => {
                let upper = Self { rows: self.rows, columns, weights: upper };
                let lower = Self { rows: below.rows, columns, weights: lower };
                return Err(Box::new((upper, lower)));
            }
        };
        Ok(Self { rows, columns, weights })
    }

    /// Its rows.
    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    /// Writes row `row` to `out`, `(columns)`.
    pub(crate) fn copy_row(&self, row: usize, out: &mut [f32]) {
        let columns = row * self.columns..(row + 1) * self.columns;
        let blocks = columns.start / BLOCK..columns.end / BLOCK;
        match &self.weights {
            Weights::Four { quants, scales, minima } => {
                for (block, out) in blocks.zip(out.as_chunks_mut::<BLOCK>().0) {
                    let scale = f16::from_bits(scales[block]).to_f32();
                    let minimum = f16::from_bits(minima[block]).to_f32();
                    for (index, byte) in quants[block * 16..][..16].iter().enumerate() {
                        out[index] = f32::from(byte & 15).mul_add(scale, minimum);
                        out[index + 16] = f32::from(byte >> 4).mul_add(scale, minimum);
                    }
                }
            }
            Weights::Eight { quants, scales } => {
                for (block, out) in blocks.zip(out.as_chunks_mut::<BLOCK>().0) {
                    let scale = f16::from_bits(scales[block]).to_f32();
                    for (out, quant) in out.iter_mut().zip(&quants[block * BLOCK..][..BLOCK]) {
                        *out = f32::from(*quant) * scale;
                    }
                }
            }
            Weights::Single(values) => out.copy_from_slice(&values[columns]),
        }
    }
}

/// Scale and minimum number `index` of a Q4_K super-block: the first four of each are six bits of a byte; the others
/// have four bits in the last bytes and two at the top of the first ones.
fn six_bit_pair(index: usize, packed: &[u8]) -> (u8, u8) {
    if index < 4 {
        return (packed[index] & 63, packed[index + 4] & 63);
    }
    let scale = (packed[index + 4] & 15) | ((packed[index - 4] >> 6) << 4);
    let minimum = (packed[index + 4] >> 4) | ((packed[index] >> 6) << 4);
    (scale, minimum)
}

struct FourBuilder {
    quants: Vec<u8>,
    scales: Vec<u16>,
    minima: Vec<u16>,
}

impl FourBuilder {
    fn with_blocks(blocks: usize) -> Self {
        Self {
            quants: Vec::with_capacity(blocks * 16),
            scales: Vec::with_capacity(blocks),
            minima: Vec::with_capacity(blocks),
        }
    }

    fn push(&mut self, scale: [u8; 2], minimum: [u8; 2], quants: &[u8]) {
        self.scales.push(u16::from_le_bytes(scale));
        self.minima.push(u16::from_le_bytes(minimum));
        self.quants.extend_from_slice(quants);
    }

    fn build(self, rows: usize, columns: usize) -> Matrix {
        let Self { quants, scales, minima } = self;
        Matrix { rows, columns, weights: Weights::Four { quants, scales, minima } }
    }
}
