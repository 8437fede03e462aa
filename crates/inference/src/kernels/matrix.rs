//! Weight matrices as they lie in memory: sixteen rows side by side, so that a register holds the same column of all
//! of them and a product needs no sum across lanes; quantised in blocks of 32 along a row, or as they are.
//!
//! Two quantised forms hold every GGUF type. `Low` is `w = scale * q + minimum` with four or five bits for `q`: Q4_0,
//! Q4_1, Q4_K, Q5_0, Q5_1 and Q5_K fit it as they are. `Eight` is `w = scale * q` with `q` from -128 to 127: Q8_0 fits it
//! as it is, and what has other numbers of bits or another grouping is rounded to it, which costs less than the file's
//! own quantisation did (at most half a step of 1/127 of the block's largest weight).

use half::{bf16, f16};

use super::lanes::single;

/// Weights of a block; a row is a whole number of blocks.
pub(crate) const BLOCK: usize = 32;

/// Rows that lie side by side.
pub(super) const GROUP: usize = 16;

/// A number for each row of a group.
pub(super) type Sixteen<T> = [T; GROUP];

/// Four bytes for each row of a group, on one cache line.
#[derive(Debug, Clone, Copy)]
#[repr(C, align(64))]
pub(super) struct Line(pub(super) [u32; GROUP]);

/// Lines of a block of the low form: line `i` has columns `4 * i` to `4 * i + 3` in its low nibbles and those 16 further
/// on in its high ones.
pub(super) const LOW_LINES: usize = 4;

/// The fifth bits of a block: number `i` is for columns `4 * i` to `4 * i + 3`, with a bit for each of the 64 bytes that
/// these columns have in sixteen rows.
pub(super) type FifthBits = [u64; BLOCK / 4];

/// Lines of a block of the 8-bit form: line `i` has columns `4 * i` to `4 * i + 3`.
pub(super) const EIGHT_LINES: usize = 8;

/// A matrix `(rows, columns)`.
#[derive(Debug)]
pub(crate) struct Matrix {
    pub(super) rows: usize,
    pub(super) columns: usize,
    pub(super) weights: Weights,
}

/// The forms. Groups follow each other; within a group, blocks (or columns) do. Rows that the last group lacks are zero.
/// Scales and minima are half-precision bits, one a row and block.
#[derive(Debug)]
pub(super) enum Weights {
    /// With minima of their own; where there are none, they are -8 scales (-16 where there is a fifth bit).
    Low {
        lines: Vec<Line>,
        fifths: Option<Vec<FifthBits>>,
        scales: Vec<Sixteen<u16>>,
        minima: Option<Vec<Sixteen<u16>>>,
    },
    /// Bytes are 128 above the weights.
    Eight { lines: Vec<Line>, scales: Vec<Sixteen<u16>> },
    /// Full precision.
    Single(Vec<Sixteen<f32>>),
    /// Half precision, as bits.
    Half(Vec<Sixteen<u16>>),
    /// bfloat16, as bits.
    Brain(Vec<Sixteen<u16>>),
}

impl Matrix {
    /// A matrix in full precision.
    pub(crate) fn single(rows: usize, columns: usize, values: &[f32]) -> Self {
        let weights = side_by_side((rows, columns), 0.0, |place| values[place]);
        Self { rows, columns, weights: Weights::Single(weights) }
    }

    /// A matrix of 16-bit numbers, as little-endian bytes.
    pub(crate) fn half(rows: usize, columns: usize, raw: &[u8]) -> Self {
        Self { rows, columns, weights: Weights::Half(sixteen_bits(rows, columns, raw)) }
    }

    /// A matrix of bfloat16 numbers, as little-endian bytes.
    pub(crate) fn brain(rows: usize, columns: usize, raw: &[u8]) -> Self {
        Self { rows, columns, weights: Weights::Brain(sixteen_bits(rows, columns, raw)) }
    }

    /// A matrix of the low form, from blocks of `scale f16, minimum f16, 16 bytes` (Q4_1).
    pub(crate) fn from_q4_1(rows: usize, columns: usize, raw: &[u8]) -> Self {
        let mut low = LowBuilder::new(rows, columns, Bits::Four, true);
        for (block, raw) in raw.as_chunks::<20>().0.iter().enumerate() {
            low.put(block, (bits(raw, 0), bits(raw, 2)), &raw[4..], 0);
        }
        low.build()
    }

    /// A matrix of the low form, from blocks of `scale f16, 16 bytes`, centred on 8 (Q4_0).
    pub(crate) fn from_q4_0(rows: usize, columns: usize, raw: &[u8]) -> Self {
        let mut low = LowBuilder::new(rows, columns, Bits::Four, false);
        for (block, raw) in raw.as_chunks::<18>().0.iter().enumerate() {
            low.put(block, (bits(raw, 0), 0), &raw[2..], 0);
        }
        low.build()
    }

    /// A matrix of the low form, from blocks of `scale f16, minimum f16, 32 fifth bits, 16 bytes` (Q5_1).
    pub(crate) fn from_q5_1(rows: usize, columns: usize, raw: &[u8]) -> Self {
        let mut low = LowBuilder::new(rows, columns, Bits::Five, true);
        for (block, raw) in raw.as_chunks::<24>().0.iter().enumerate() {
            let fifths = u32::from_le_bytes([raw[4], raw[5], raw[6], raw[7]]);
            low.put(block, (bits(raw, 0), bits(raw, 2)), &raw[8..], fifths);
        }
        low.build()
    }

    /// A matrix of the low form, from blocks of `scale f16, 32 fifth bits, 16 bytes`, centred on 16 (Q5_0).
    pub(crate) fn from_q5_0(rows: usize, columns: usize, raw: &[u8]) -> Self {
        let mut low = LowBuilder::new(rows, columns, Bits::Five, false);
        for (block, raw) in raw.as_chunks::<22>().0.iter().enumerate() {
            let fifths = u32::from_le_bytes([raw[2], raw[3], raw[4], raw[5]]);
            low.put(block, (bits(raw, 0), 0), &raw[6..], fifths);
        }
        low.build()
    }

    /// A matrix of the low form, from super-blocks of 256 with 6-bit scales and minima (Q4_K; the layout is
    /// `block_q4_K` of <https://github.com/ggml-org/ggml/blob/master/src/ggml-common.h>).
    pub(crate) fn from_q4_k(rows: usize, columns: usize, raw: &[u8]) -> Self {
        let mut low = LowBuilder::new(rows, columns, Bits::Four, true);
        for (index, block) in raw.as_chunks::<144>().0.iter().enumerate() {
            low.put_super_block(index, &block[..16], &[0; BLOCK], &block[16..]);
        }
        low.build()
    }

    /// The same with 32 bytes of fifth bits before the others (Q5_K).
    pub(crate) fn from_q5_k(rows: usize, columns: usize, raw: &[u8]) -> Self {
        let mut low = LowBuilder::new(rows, columns, Bits::Five, true);
        for (index, block) in raw.as_chunks::<176>().0.iter().enumerate() {
            let (fifths, quants) = block[16..].split_at(BLOCK);
            low.put_super_block(index, &block[..16], fifths, quants);
        }
        low.build()
    }

    /// A matrix of the 8-bit form, from blocks of `scale f16, 32 bytes` (Q8_0).
    pub(crate) fn from_q8_0(rows: usize, columns: usize, raw: &[u8]) -> Self {
        let mut eight = EightBuilder::new(rows, columns);
        for (block, raw) in raw.as_chunks::<34>().0.iter().enumerate() {
            eight.put(block, bits(raw, 0), |at| raw[2 + at].cast_signed());
        }
        eight.build()
    }

    /// A matrix of the 8-bit form, rounded from full precision.
    pub(crate) fn from_f32(rows: usize, columns: usize, values: &[f32]) -> Self {
        let mut eight = EightBuilder::new(rows, columns);
        for (block, values) in values.as_chunks::<BLOCK>().0.iter().enumerate() {
            let largest = values.iter().fold(0f32, |largest, value| largest.max(value.abs()));
            let scale = f16::from_f32(largest / 127.0);
            let inverse = if scale.to_f32() > 0.0 { 1.0 / scale.to_f32() } else { 0.0 };
            eight.put(block, scale.to_bits(), |at| (values[at] * inverse).round().clamp(-127.0, 127.0) as i8);
        }
        eight.build()
    }

    /// The rows of `self` and then those of `below`, where both have the same form and width and no gap comes between.
    ///
    /// # Errors
    /// Both, as they were, where they cannot be one.
    pub(crate) fn stack(mut self, below: Self) -> Result<Self, Box<(Self, Self)>> {
        if self.columns != below.columns || !self.rows.is_multiple_of(GROUP) || !self.weights.is_like(&below.weights) {
            return Err(Box::new((self, below)));
        }
        self.rows += below.rows;
        self.weights.append(below.weights);
        Ok(self)
    }

    /// Its rows.
    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    /// Whether its products take rounded activations; otherwise they take full precision.
    pub(crate) fn is_quantised(&self) -> bool {
        match self.weights {
            Weights::Low { .. } | Weights::Eight { .. } => true,
            Weights::Single(_) | Weights::Half(_) | Weights::Brain(_) => false,
        }
    }

    /// Writes row `row` to `out`, `(columns)`.
    pub(crate) fn copy_row(&self, row: usize, out: &mut [f32]) {
        let (group, lane) = (row / GROUP, row % GROUP);
        let blocks = self.columns / BLOCK;
        let byte = |line: &Line, at: usize| (line.0[lane] >> (8 * at)) as u8;
        match &self.weights {
            Weights::Low { lines, fifths, scales, minima } => {
                let centre = if fifths.is_some() { -16.0 } else { -8.0 };
                for (block, out) in (group * blocks..).zip(out.as_chunks_mut::<BLOCK>().0) {
                    let scale = single(scales[block][lane]);
                    let minimum = minima.as_ref().map_or(centre * scale, |minima| single(minima[block][lane]));
                    let lines = &lines[block * LOW_LINES..][..LOW_LINES];
                    for (index, out) in out.iter_mut().enumerate() {
                        let byte = byte(&lines[index % 16 / 4], index % 4);
                        let four = if index < 16 { byte & 15 } else { byte >> 4 };
                        let bit =
                            |fifths: &Vec<FifthBits>| (fifths[block][index / 4] >> (4 * lane + index % 4)) as u8 & 1;
                        let quant = four | (fifths.as_ref().map_or(0, bit) << 4);
                        *out = f32::from(quant).mul_add(scale, minimum);
                    }
                }
            }
            Weights::Eight { lines, scales } => {
                for (block, out) in (group * blocks..).zip(out.as_chunks_mut::<BLOCK>().0) {
                    let scale = single(scales[block][lane]);
                    let lines = &lines[block * EIGHT_LINES..][..EIGHT_LINES];
                    for (index, out) in out.iter_mut().enumerate() {
                        *out = f32::from((byte(&lines[index / 4], index % 4) ^ 0x80).cast_signed()) * scale;
                    }
                }
            }
            Weights::Single(values) => {
                let column = values[group * self.columns..].iter().map(|values| values[lane]);
                out.iter_mut().zip(column).for_each(|(out, value)| *out = value);
            }
            Weights::Half(values) => {
                let column = values[group * self.columns..].iter().map(|bits| f16::from_bits(bits[lane]).to_f32());
                out.iter_mut().zip(column).for_each(|(out, value)| *out = value);
            }
            Weights::Brain(values) => {
                let column = values[group * self.columns..].iter().map(|bits| bf16::from_bits(bits[lane]).to_f32());
                out.iter_mut().zip(column).for_each(|(out, value)| *out = value);
            }
        }
    }
}

impl Weights {
    fn is_like(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Low { minima, fifths, .. }, Self::Low { minima: other_minima, fifths: other_fifths, .. }) => {
                minima.is_some() == other_minima.is_some() && fifths.is_some() == other_fifths.is_some()
            }
            _ => std::mem::discriminant(self) == std::mem::discriminant(other),
        }
    }

    /// Appends weights of the same form.
    fn append(&mut self, below: Self) {
        match (self, below) {
            (
                Self::Low { lines, fifths, scales, minima },
                Self::Low { lines: more, fifths: more_fifths, scales: more_scales, minima: more_minima },
            ) => {
                lines.extend(more);
                scales.extend(more_scales);
                if let (Some(fifths), Some(more)) = (fifths, more_fifths) {
                    fifths.extend(more);
                }
                if let (Some(minima), Some(more)) = (minima, more_minima) {
                    minima.extend(more);
                }
            }
            (Self::Eight { lines, scales }, Self::Eight { lines: more, scales: more_scales }) => {
                lines.extend(more);
                scales.extend(more_scales);
            }
            (Self::Single(values), Self::Single(more)) => values.extend(more),
            (Self::Half(values), Self::Half(more)) | (Self::Brain(values), Self::Brain(more)) => values.extend(more),
            (Self::Low { .. } | Self::Eight { .. } | Self::Single(_) | Self::Half(_) | Self::Brain(_), _) => {
                unreachable!("the caller asked whether they are of one form")
            }
        }
    }
}

/// Values of `(rows, columns)` with sixteen rows side by side; `value` is asked by the place in the original.
fn side_by_side<T: Copy>((rows, columns): (usize, usize), zero: T, value: impl Fn(usize) -> T) -> Vec<Sixteen<T>> {
    let groups = (0..rows).step_by(GROUP);
    let places = groups.flat_map(|first| (0..columns).map(move |column| (first, column)));
    let sixteen = |(first, column)| {
        std::array::from_fn(|lane| {
            let row = first + lane;
            if row < rows { value(row * columns + column) } else { zero }
        })
    };
    places.map(sixteen).collect()
}

fn sixteen_bits(rows: usize, columns: usize, raw: &[u8]) -> Vec<Sixteen<u16>> {
    let numbers = raw.as_chunks::<2>().0;
    side_by_side((rows, columns), 0, |place| u16::from_le_bytes(numbers[place]))
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

/// Where block number `block` of a matrix with so many blocks a row comes to lie, and in which lane.
fn place(block: usize, blocks: usize) -> (usize, usize) {
    let row = block / blocks;
    (row / GROUP * blocks + block % blocks, row % GROUP)
}

/// The 16 bits at `at`, little-endian.
fn bits(raw: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([raw[at], raw[at + 1]])
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Bits {
    Four,
    Five,
}

struct LowBuilder {
    rows: usize,
    columns: usize,
    lines: Vec<Line>,
    fifths: Option<Vec<FifthBits>>,
    scales: Vec<Sixteen<u16>>,
    minima: Option<Vec<Sixteen<u16>>>,
}

impl LowBuilder {
    fn new(rows: usize, columns: usize, bits: Bits, has_minima: bool) -> Self {
        let blocks = rows.div_ceil(GROUP) * (columns / BLOCK);
        Self {
            rows,
            columns,
            lines: vec![Line([0; GROUP]); blocks * LOW_LINES],
            fifths: (bits == Bits::Five).then(|| vec![[0; BLOCK / 4]; blocks]),
            scales: vec![[0; GROUP]; blocks],
            minima: has_minima.then(|| vec![[0; GROUP]; blocks]),
        }
    }

    /// Puts block number `block` in place: the low nibbles of `quants` are its first sixteen weights, and bit `i` of
    /// `fifths` belongs to weight `i`.
    fn put(&mut self, block: usize, (scale, minimum): (u16, u16), quants: &[u8], fifths: u32) {
        let (at, lane) = place(block, self.columns / BLOCK);
        self.scales[at][lane] = scale;
        if let Some(minima) = &mut self.minima {
            minima[at][lane] = minimum;
        }
        for (line, four) in self.lines[at * LOW_LINES..].iter_mut().zip(quants.as_chunks::<4>().0) {
            line.0[lane] = u32::from_le_bytes(*four);
        }
        if let Some(bits) = &mut self.fifths {
            for (index, bits) in bits[at].iter_mut().enumerate() {
                *bits |= u64::from((fifths >> (4 * index)) & 15) << (4 * lane);
            }
        }
    }

    /// Puts a super-block of 256 in place: `head` is its scale, its minimum and the packed six bits of the blocks; bit
    /// `i` of byte `j` of `fifths` belongs to weight `j` of block `i`.
    fn put_super_block(&mut self, index: usize, head: &[u8], fifths: &[u8], quants: &[u8]) {
        let scale = f16::from_bits(bits(head, 0)).to_f32();
        let minimum = f16::from_bits(bits(head, 2)).to_f32();
        for (pair, bytes) in quants.as_chunks::<BLOCK>().0.iter().enumerate() {
            for high in 0..2 {
                let block = 2 * pair + high;
                let (sub_scale, sub_minimum) = six_bit_pair(block, &head[4..]);
                let nibble = |at: usize| (bytes[at] >> (4 * high)) & 15;
                let repacked: [u8; 16] = std::array::from_fn(|at| nibble(at) | (nibble(at + 16) << 4));
                let fifth = |(at, byte): (usize, &u8)| u32::from((byte >> block) & 1) << at;
                let scale = f16::from_f32(scale * f32::from(sub_scale)).to_bits();
                let minimum = f16::from_f32(-minimum * f32::from(sub_minimum)).to_bits();
                let fifths = fifths.iter().enumerate().map(fifth).sum();
                self.put(index * 8 + block, (scale, minimum), &repacked, fifths);
            }
        }
    }

    fn build(self) -> Matrix {
        let Self { rows, columns, lines, fifths, scales, minima } = self;
        Matrix { rows, columns, weights: Weights::Low { lines, fifths, scales, minima } }
    }
}

struct EightBuilder {
    rows: usize,
    columns: usize,
    lines: Vec<Line>,
    scales: Vec<Sixteen<u16>>,
}

impl EightBuilder {
    fn new(rows: usize, columns: usize) -> Self {
        let blocks = rows.div_ceil(GROUP) * (columns / BLOCK);
        let lines = vec![Line([0x8080_8080; GROUP]); blocks * EIGHT_LINES];
        Self { rows, columns, lines, scales: vec![[0; GROUP]; blocks] }
    }

    fn put(&mut self, block: usize, scale: u16, weight: impl Fn(usize) -> i8) {
        let (at, lane) = place(block, self.columns / BLOCK);
        self.scales[at][lane] = scale;
        for (index, line) in self.lines[at * EIGHT_LINES..][..EIGHT_LINES].iter_mut().enumerate() {
            let byte = |next: usize| weight(4 * index + next).cast_unsigned() ^ 0x80;
            line.0[lane] = u32::from_le_bytes(std::array::from_fn(byte));
        }
    }

    fn build(self) -> Matrix {
        let Self { rows, columns, lines, scales } = self;
        Matrix { rows, columns, weights: Weights::Eight { lines, scales } }
    }
}

#[cfg(test)]
mod tests {
    use candle_core::quantized::{GgmlDType, QTensor};
    use candle_core::{Device, Tensor};

    use super::*;

    /// Rows that are no whole number of groups, of two super-blocks each.
    const SHAPE: (usize, usize) = (21, 512);

    fn read(kind: GgmlDType, from: fn(usize, usize, &[u8]) -> Matrix) {
        let (rows, columns) = SHAPE;
        let values: Vec<f32> = (0..rows * columns).map(|at| (at as f32 * 0.37).sin() * (at % 97) as f32).collect();
        let tensor = Tensor::from_vec(values, SHAPE, &Device::Cpu).unwrap();
        let quantised = QTensor::quantize(&tensor, kind).unwrap();
        let expected = quantised.dequantize(&Device::Cpu).unwrap().to_vec2::<f32>().unwrap();
        let matrix = from(rows, columns, &quantised.data().unwrap());
        let mut row = vec![0f32; columns];
        for (index, expected) in expected.iter().enumerate() {
            matrix.copy_row(index, &mut row);
            for (got, expected) in row.iter().zip(expected) {
                // Scales of blocks within super-blocks are rounded to half precision.
                assert!((got - expected).abs() < 0.1, "{kind:?} row {index}: {got} {expected}");
            }
        }
    }

    #[test]
    fn every_type_is_read_as_candle_reads_it() {
        read(GgmlDType::Q4_0, Matrix::from_q4_0);
        read(GgmlDType::Q4_1, Matrix::from_q4_1);
        read(GgmlDType::Q5_0, Matrix::from_q5_0);
        read(GgmlDType::Q5_1, Matrix::from_q5_1);
        read(GgmlDType::Q8_0, Matrix::from_q8_0);
        read(GgmlDType::Q4K, Matrix::from_q4_k);
        read(GgmlDType::Q5K, Matrix::from_q5_k);
        read(GgmlDType::F16, Matrix::half);
        read(GgmlDType::BF16, Matrix::brain);
    }

    #[test]
    fn matrices_of_one_form_are_stacked_and_others_are_not() {
        let columns = 64;
        let of = |rows: usize, start: f32| -> Vec<f32> { (0..rows * columns).map(|at| at as f32 + start).collect() };
        let (upper, lower) = (of(32, 0.0), of(5, 1e4));
        let both = Matrix::single(32, columns, &upper).stack(Matrix::single(5, columns, &lower)).unwrap();
        let mut row = vec![0f32; columns];
        both.copy_row(34, &mut row);
        assert_eq!(row, lower[2 * columns..3 * columns]);
        assert_eq!(both.rows(), 37);
        let other_form = Matrix::from_f32(5, columns, &lower);
        assert!(Matrix::single(32, columns, &upper).stack(other_form).is_err());
        let below = Matrix::single(16, columns, &of(16, 0.0));
        assert!(both.stack(below).is_err(), "a gap would come between");
    }
}
