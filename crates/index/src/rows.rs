//! The codes of all vectors in memory, in the order in which they came.
//!
//! They stand in chunks, so that a vector more never copies those that are there, and so that the cores have pieces to
//! share. The place of a vector is its slot. A vector that is taken out leaves its slot behind, without a scale: no
//! comparison with it holds, and a scan passes over it without asking. Compaction closes such gaps.

use crate::{
    kernels::{Kernel, Line},
    pool,
    quantise::{Codes, Measures, Query, lines_for},
};

/// Vectors of a chunk: 768 KiB of what a scan reads with MiniLM's 384 components, which one core reads in about 30 µs.
pub(crate) const CHUNK_ROWS: usize = 4_096;

/// Fewer vectors than this are compared sooner than another core has woken up.
const SHARED_ROWS: usize = 4 * CHUNK_ROWS;

/// Products that are kept in the innermost cache between being made and being scaled.
const BATCH_ROWS: usize = 512;

/// Fewer candidates than this are looked at sooner than another core has woken up.
const SHARED_CANDIDATES: usize = 4_096;

/// Where more than one of so many vectors of a chunk are candidates, it is quicker to read all of it in order.
const DENSE_PART: usize = 4;

/// The scale of a vector that was taken out.
const DEAD: f32 = f32::NAN;

/// Some vectors that follow each other.
#[derive(Debug, Default)]
pub(crate) struct Chunk {
    /// High halves of all.
    pub(crate) high: Vec<Line>,
    /// Low halves of all.
    pub(crate) low: Vec<Line>,
    /// The scale of each.
    pub(crate) scales: Vec<f32>,
    /// The slack of each.
    pub(crate) slacks: Vec<f32>,
}

/// The codes of vectors of one dimension.
#[derive(Debug)]
pub(crate) struct Rows {
    /// Lines of a half of a vector.
    width: usize,
    chunks: Vec<Chunk>,
    keys: Vec<i64>,
    /// No vector is longer than this.
    pub(crate) longest: f32,
    /// No vector leaves out more than this when its fine rest is not read.
    pub(crate) rest: f32,
}

impl Rows {
    /// None yet, for vectors of `dimension` components.
    pub(crate) fn new(dimension: usize) -> Self {
        Self { width: lines_for(dimension), chunks: Vec::new(), keys: Vec::new(), longest: 0.0, rest: 0.0 }
    }

    /// Slots, with those of vectors that were taken out.
    pub(crate) fn len(&self) -> usize {
        self.keys.len()
    }

    /// Makes room for `additional` vectors.
    pub(crate) fn reserve(&mut self, additional: usize) {
        self.keys.reserve(additional);
    }

    /// Appends a vector.
    pub(crate) fn push(&mut self, key: i64, codes: &Codes, measures: Measures) {
        let chunk = self.open_chunk();
        chunk.high.extend_from_slice(&codes.high);
        chunk.low.extend_from_slice(&codes.low);
        chunk.scales.push(measures.scale);
        chunk.slacks.push(measures.slack);
        self.keys.push(key);
        self.longest = self.longest.max(measures.length);
        self.rest = self.rest.max(measures.rest);
    }

    /// The chunk that has room.
    pub(crate) fn open_chunk(&mut self) -> &mut Chunk {
        if self.keys.len() == self.chunks.len() * CHUNK_ROWS {
            self.chunks.push(Chunk::default());
        }
        self.chunks.last_mut().expect("a chunk was pushed if there was none")
    }

    /// The low halves of a chunk that is being read.
    pub(crate) fn low_of_chunk(&mut self, chunk: usize) -> &mut Vec<Line> {
        &mut self.chunks[chunk].low
    }

    /// Says whose the vectors are that were put into the open chunk.
    pub(crate) fn push_keys(&mut self, keys: &[i64]) {
        self.keys.extend_from_slice(keys);
    }

    /// Takes a vector out.
    pub(crate) fn bury(&mut self, slot: usize) {
        self.chunks[slot / CHUNK_ROWS].scales[slot % CHUNK_ROWS] = DEAD;
    }

    /// Whether the vector of a slot is there.
    pub(crate) fn is_alive(&self, slot: usize) -> bool {
        !self.scale(slot).is_nan()
    }

    /// The key of a slot.
    pub(crate) fn key(&self, slot: usize) -> i64 {
        self.keys[slot]
    }

    /// The scale of a slot.
    pub(crate) fn scale(&self, slot: usize) -> f32 {
        self.chunks[slot / CHUNK_ROWS].scales[slot % CHUNK_ROWS]
    }

    /// The slack of a slot.
    pub(crate) fn slack(&self, slot: usize) -> f32 {
        self.chunks[slot / CHUNK_ROWS].slacks[slot % CHUNK_ROWS]
    }

    /// The high halves of a slot.
    pub(crate) fn high(&self, slot: usize) -> &[Line] {
        let start = slot % CHUNK_ROWS * self.width;
        &self.chunks[slot / CHUNK_ROWS].high[start..start + self.width]
    }

    /// The low halves of a slot.
    pub(crate) fn low(&self, slot: usize) -> &[Line] {
        let start = slot % CHUNK_ROWS * self.width;
        &self.chunks[slot / CHUNK_ROWS].low[start..start + self.width]
    }

    /// Moves the vectors from slot `first` on together, so that no gap is left among them; `moved` is told the key and
    /// the slot of each.
    pub(crate) fn close_gaps(&mut self, first: usize, mut moved: impl FnMut(i64, usize)) {
        let mut to = first;
        for from in first..self.len() {
            if !self.is_alive(from) {
                continue;
            }
            if from != to {
                let (high, low) = (self.high(from).to_vec(), self.low(from).to_vec());
                let (scale, slack) = (self.scale(from), self.slack(from));
                let (start, chunk) = (to % CHUNK_ROWS * self.width, &mut self.chunks[to / CHUNK_ROWS]);
                chunk.high[start..start + self.width].copy_from_slice(&high);
                chunk.low[start..start + self.width].copy_from_slice(&low);
                chunk.scales[to % CHUNK_ROWS] = scale;
                chunk.slacks[to % CHUNK_ROWS] = slack;
                self.keys[to] = self.keys[from];
            }
            moved(self.keys[to], to);
            to += 1;
        }
        self.truncate(to);
    }

    fn truncate(&mut self, len: usize) {
        self.keys.truncate(len);
        self.chunks.truncate(len.div_ceil(CHUNK_ROWS));
        if let Some(chunk) = self.chunks.last_mut() {
            let rows = len - (len.div_ceil(CHUNK_ROWS) - 1) * CHUNK_ROWS;
            chunk.high.truncate(rows * self.width);
            chunk.low.truncate(rows * self.width);
            chunk.scales.truncate(rows);
            chunk.slacks.truncate(rows);
        }
    }

    /// Compares the high halves of all slots with a query.
    pub(crate) fn compare(&self, kernel: Kernel, query: &Query, found: &mut Compared) {
        let estimate = query.estimate();
        let compare = |((chunk, products), most): ((&Chunk, &mut [i32]), &mut [f32])| {
            // In batches, so that products are in the innermost cache when they are scaled.
            let batches = products.chunks_mut(BATCH_ROWS).zip(most.chunks_mut(BATCH_ROWS));
            for (batch, (products, most)) in batches.enumerate() {
                let start = batch * BATCH_ROWS;
                let rows = start * self.width..(start + most.len()) * self.width;
                kernel.products(query.lines(), &chunk.high[rows], products);
                let measures = chunk.scales[start..].iter().zip(&chunk.slacks[start..]);
                for ((most, &product), (&scale, &slack)) in most.iter_mut().zip(products.iter()).zip(measures) {
                    *most = estimate.most(product, scale, slack);
                }
            }
        };
        found.products.resize(self.len(), 0);
        found.most.resize(self.len(), 0.0);
        let products = found.products.chunks_mut(CHUNK_ROWS);
        let work = self.chunks.iter().zip(products).zip(found.most.chunks_mut(CHUNK_ROWS));
        if self.len() < SHARED_ROWS { work.for_each(compare) } else { pool::share(work, compare) }
    }

    /// The score of a slot by both halves.
    pub(crate) fn halves_score(&self, kernel: Kernel, query: &Query, slot: usize) -> f32 {
        let (mut high, mut low) = ([0], [0]);
        kernel.products(query.lines(), self.high(slot), &mut high);
        kernel.products(query.lines(), self.low(slot), &mut low);
        query.halves_score(high[0], low[0], self.scale(slot))
    }

    /// The scores of some slots by both halves, where the high ones have been compared. `slots` rise.
    pub(crate) fn halves_scores(
        &self,
        kernel: Kernel,
        query: &Query,
        found: &Compared,
        slots: &[usize],
    ) -> Vec<(usize, f32)> {
        let mut scores: Vec<(usize, f32)> = slots.iter().map(|&slot| (slot, 0.0)).collect();
        let score = |scores: &mut [(usize, f32)]| self.score_piece(kernel, query, found, scores);
        let work = scores.chunk_by_mut(|a, b| a.0 / CHUNK_ROWS == b.0 / CHUNK_ROWS);
        if slots.len() < SHARED_CANDIDATES {
            work.for_each(score)
        } else {
            pool::share(work, score)
        }
        scores
    }

    /// The same for slots of one chunk.
    fn score_piece(&self, kernel: Kernel, query: &Query, found: &Compared, scores: &mut [(usize, f32)]) {
        let Some(&(first, _)) = scores.first() else { return };
        let chunk = &self.chunks[first / CHUNK_ROWS];
        let mut low = Vec::new();
        if scores.len() * DENSE_PART > chunk.scales.len() {
            low.resize(chunk.scales.len(), 0);
            kernel.products(query.lines(), &chunk.low, &mut low);
        }
        for (slot, score) in scores {
            let mut product = [0];
            match low.get(*slot % CHUNK_ROWS) {
                Some(&known) => product[0] = known,
                None => kernel.products(query.lines(), self.low(*slot), &mut product),
            }
            *score = query.halves_score(found.products[*slot], product[0], self.scale(*slot));
        }
    }
}

/// What a query's comparison with the high halves of all slots has found.
#[derive(Debug, Default)]
pub(crate) struct Compared {
    /// The products.
    products: Vec<i32>,
    /// What each score can be at most, less what the steps of the query may add; NaN for vectors that were taken out.
    pub(crate) most: Vec<f32>,
}
