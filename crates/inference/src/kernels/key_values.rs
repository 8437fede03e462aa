//! Keys and values of one layer, in half precision: keys of sixteen positions side by side, so that a register holds
//! one dimension of all of them; values position after position. It grows in place.

use super::lanes::Lanes;
use super::team::Team;
use super::{Kernel, Simd, for_each_chunk};

/// Positions whose keys lie side by side.
pub(super) const SIDE_BY_SIDE: usize = 16;

/// The keys and values of a layer for the positions of a sequence.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct KeyValues {
    /// Heads times dimensions.
    width: usize,
    positions: usize,
    /// `(positions / 16, width, 16)`; what the last sixteen lack is left as it is.
    keys: Vec<u16>,
    /// `(positions, width)`
    values: Vec<u16>,
}

/// Rows that keys and values are taken from: `(tokens, stride)`, with the keys from column `key` on and the values from
/// column `value` on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct KeyValueRows<'a> {
    pub(crate) rows: &'a [f32],
    pub(crate) stride: usize,
    pub(crate) key: usize,
    pub(crate) value: usize,
}

impl KeyValues {
    /// Of no position yet; `width` is heads times dimensions.
    pub(crate) fn new(width: usize) -> Self {
        Self { width, ..Self::default() }
    }

    /// How many positions there are.
    pub(crate) fn positions(&self) -> usize {
        self.positions
    }

    /// Makes room for `positions` in all, so that growing within them moves nothing.
    pub(crate) fn reserve(&mut self, positions: usize) {
        let keys = positions.next_multiple_of(SIDE_BY_SIDE) * self.width;
        self.keys.reserve_exact(keys.saturating_sub(self.keys.len()));
        self.values.reserve_exact((positions * self.width).saturating_sub(self.values.len()));
    }

    /// Forgets all but the first `positions`.
    pub(crate) fn truncate(&mut self, positions: usize) {
        self.positions = self.positions.min(positions);
        self.keys.truncate(self.positions.next_multiple_of(SIDE_BY_SIDE) * self.width);
        self.values.truncate(self.positions * self.width);
    }

    /// A copy of the first `positions`.
    pub(crate) fn copy_prefix(&self, positions: usize) -> Self {
        let positions = positions.min(self.positions);
        Self {
            width: self.width,
            positions,
            keys: self.keys[..positions.next_multiple_of(SIDE_BY_SIDE) * self.width].to_vec(),
            values: self.values[..positions * self.width].to_vec(),
        }
    }

    /// Appends the keys and values of some tokens.
    pub(crate) fn append(&mut self, (team, simd): (&Team, Simd), from: KeyValueRows<'_>) {
        let KeyValueRows { rows, stride, key, value } = from;
        let (width, past) = (self.width, self.positions);
        let tokens = rows.len() / stride;
        self.positions += tokens;
        self.keys.resize(self.positions.next_multiple_of(SIDE_BY_SIDE) * width, 0);
        self.values.resize(self.positions * width, 0);
        let first = past / SIDE_BY_SIDE;
        let chunk = SIDE_BY_SIDE * width;
        for_each_chunk(team, &mut self.keys[first * chunk..], chunk, |index, keys| {
            let start = (first + index) * SIDE_BY_SIDE;
            for position in start.max(past)..(start + SIDE_BY_SIDE).min(past + tokens) {
                let row = &rows[(position - past) * stride + key..][..width];
                let lanes = keys[position - start..].iter_mut().step_by(SIDE_BY_SIDE);
                halves_of(simd, row, lanes);
            }
        });
        for_each_chunk(team, &mut self.values[past * width..], width, |token, values| {
            halves_of(simd, &rows[token * stride + value..][..width], values.iter_mut());
        });
    }

    /// The keys of sixteen positions, `(width, 16)` each.
    pub(super) fn keys(&self) -> &[u16] {
        &self.keys
    }

    /// `(positions, width)`
    pub(super) fn values(&self) -> &[u16] {
        &self.values
    }

    pub(super) fn width(&self) -> usize {
        self.width
    }
}

/// Numbers that are rounded at once, on their way to wherever they go.
const PIECE: usize = 64;

/// Rounds `values` to half precision.
fn halves_of<'a>(simd: Simd, values: &[f32], mut out: impl Iterator<Item = &'a mut u16>) {
    let mut halves = [0u16; PIECE];
    for piece in values.chunks(PIECE) {
        let mut full = [0f32; PIECE];
        full[..piece.len()].copy_from_slice(piece);
        simd.launch(Round { full: &full, halves: &mut halves });
        // The rounded numbers come first: an iterator gives nothing back that it was asked for in vain.
        halves[..piece.len()].iter().zip(&mut out).for_each(|(half, out)| *out = *half);
    }
}

/// Rounds a piece to half precision.
struct Round<'a> {
    full: &'a [f32; PIECE],
    halves: &'a mut [u16; PIECE],
}

impl Kernel for Round<'_> {
    #[inline(always)]
    unsafe fn run<V: Lanes>(self) {
        for at in (0..PIECE).step_by(V::LANES) {
            // SAFETY: `LANES` divides the pieces' length; the features are there by contract.
            unsafe { V::load(self.full.as_ptr().add(at)).store_half(self.halves.as_mut_ptr().add(at)) }
        }
    }
}
