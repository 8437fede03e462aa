//! Vectors as small whole numbers.
//!
//! Each vector has a scale of its own, a 127th of its largest component, and three numbers for each component:
//! the component in steps of the scale is `16 · high + low`, from -127 to 127, and `fine` is what is left of it in
//! 254ths of a step. The high halves are what a scan reads; the low halves and the fine rest make the score of the few
//! vectors that may be among the best as exact as a component of 16 bits is.
//!
//! What is left out is known for each vector by its length (Cauchy and Schwarz: no product with a query is further off
//! than the product of the lengths), so that a scan of high halves can tell for certain which vectors to look at again.

use crate::kernels::{LINE_BYTES, LINE_CODES, Line, QueryLine};

/// The largest step.
const STEPS: f32 = 127.0;

/// Parts of a step that are kept as the fine rest.
const PARTS: f32 = 254.0;

/// Added to high halves, so that they are not negative.
const HIGH_OFFSET: i32 = 8;

/// The middle of the low halves, which stands for all of them while they have not been read.
const LOW_MIDDLE: f32 = 7.5;

/// A vector with no larger component counts as zero: its scale would be too small to divide by.
const LEAST: f32 = 1e-30;

/// Lines that hold the halves of the codes of a vector.
pub(crate) fn lines_for(dimension: usize) -> usize {
    dimension.div_ceil(LINE_CODES)
}

/// The numbers of one vector beside its codes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Measures {
    /// The worth of a step.
    pub(crate) scale: f32,
    /// Length of what is left out while only high halves are read.
    pub(crate) slack: f32,
    /// Length of what is left out while the fine rest is not read.
    pub(crate) rest: f32,
    /// Length of the vector.
    pub(crate) length: f32,
}

/// Room for the codes of one vector.
#[derive(Debug, Clone)]
pub(crate) struct Codes {
    /// High halves, each with [`HIGH_OFFSET`] added.
    pub(crate) high: Vec<Line>,
    /// Low halves.
    pub(crate) low: Vec<Line>,
    /// Fine rests, one for each component.
    pub(crate) fine: Vec<i8>,
}

impl Codes {
    /// Room for vectors of `dimension` components.
    pub(crate) fn new(dimension: usize) -> Self {
        let blank = vec![Line([0; LINE_BYTES]); lines_for(dimension)];
        Self { high: blank.clone(), low: blank, fine: vec![0; dimension] }
    }

    /// Writes the codes of `vector`, all finite.
    pub(crate) fn write(&mut self, vector: &[f32]) -> Measures {
        let largest = vector.iter().fold(0.0_f32, |largest, component| largest.max(component.abs()));
        let scale = if largest > LEAST { largest / STEPS } else { 0.0 };
        let (mut slack, mut rest, mut length) = (0.0_f64, 0.0_f64, 0.0_f64);
        for (place, (&component, fine)) in vector.iter().zip(&mut self.fine).enumerate() {
            let steps = if scale > 0.0 { component / scale } else { 0.0 };
            let step = steps.round().clamp(-STEPS, STEPS);
            #[expect(clippy::cast_possible_truncation, reason = "from -127 to 127")]
            let code = step as i32;
            #[expect(
                clippy::cast_possible_truncation,
                reason = "half a step is 127 parts; a cast keeps within the type"
            )]
            let parts = ((steps - step) * PARTS).round() as i8;
            *fine = parts;
            let (high, low) = halves(code);
            set(&mut self.high, place, high);
            set(&mut self.low, place, low);
            let middle = scale * (f32::from(high) - HIGH_OFFSET as f32).mul_add(16.0, LOW_MIDDLE);
            slack += f64::from(component - middle).powi(2);
            rest += f64::from(component - scale * step).powi(2);
            length += f64::from(component).powi(2);
        }
        let root = |sum: f64| {
            #[expect(clippy::cast_possible_truncation, reason = "kept within the type")]
            let root = sum.sqrt().min(f64::from(f32::MAX)) as f32;
            root
        };
        Measures { scale, slack: root(slack), rest: root(rest), length: root(length) }
    }
}

/// The halves of a code from -127 to 127: its high one, with [`HIGH_OFFSET`] added, and its low one.
fn halves(code: i32) -> (u8, u8) {
    let shifted = u8::try_from(code + 16 * HIGH_OFFSET).expect("codes are from -127 to 127");
    (shifted >> 4, shifted & 15)
}

/// Puts a code of 4 bits to its place.
fn set(lines: &mut [Line], place: usize, code: u8) {
    let (line, place) = (&mut lines[place / LINE_CODES], place % LINE_CODES);
    let byte = &mut line.0[place % LINE_BYTES];
    *byte = if place < LINE_BYTES { (*byte & 0xF0) | code } else { (*byte & 0x0F) | (code << 4) };
}

/// A code of 4 bits.
fn get(lines: &[Line], place: usize) -> u8 {
    let (line, place) = (&lines[place / LINE_CODES], place % LINE_CODES);
    let byte = line.0[place % LINE_BYTES];
    if place < LINE_BYTES { byte & 15 } else { byte >> 4 }
}

/// A query, ready to be compared.
///
/// It is divided by its largest component first, so that nothing overflows whatever its length.
#[derive(Debug)]
pub(crate) struct Query {
    /// What scores have to be multiplied with in the end.
    largest: f32,
    components: Vec<f32>,
    lines: Vec<QueryLine>,
    sum: i64,
    /// The worth of one in `lines`.
    scale: f32,
    /// Length of the query as `lines` have it.
    length: f32,
    /// Length of what `lines` leave out.
    rest: f32,
}

/// How an estimate is made of a product with high halves: `product · factor + offset`, times the vector's scale.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Estimate {
    factor: f32,
    offset: f32,
    /// What the slack of a vector is multiplied with.
    slack: f32,
}

impl Estimate {
    /// The most that the score of a vector can be, as far as its high halves and the query's bytes tell.
    #[inline]
    pub(crate) fn most(self, product: i32, scale: f32, slack: f32) -> f32 {
        (product as f32 * self.factor + self.offset) * scale + slack * self.slack
    }
}

impl Query {
    /// Prepares `vector`, all finite; `None` when it is zero, and every score with it.
    pub(crate) fn new(vector: &[f32]) -> Option<Self> {
        let largest = vector.iter().fold(0.0_f32, |largest, component| largest.max(component.abs()));
        if largest == 0.0 {
            return None;
        }
        let components: Vec<f32> = vector.iter().map(|component| component / largest).collect();
        // A sum of all products has to fit 32 bits.
        let steps = STEPS.min((i32::MAX / 16) as f32 / vector.len() as f32).floor().max(1.0);
        let mut lines = vec![QueryLine([0; LINE_BYTES]); lines_for(vector.len()) * LINE_CODES / LINE_BYTES];
        let (mut sum, mut length, mut rest) = (0, 0.0_f64, 0.0_f64);
        for (place, &component) in components.iter().enumerate() {
            #[expect(clippy::cast_possible_truncation, reason = "components are from -1 to 1 here")]
            let step = (component * steps).round() as i8;
            lines[place / LINE_BYTES].0[place % LINE_BYTES] = step;
            sum += i64::from(step);
            length += f64::from(f32::from(step) / steps).powi(2);
            rest += f64::from(component - f32::from(step) / steps).powi(2);
        }
        #[expect(clippy::cast_possible_truncation, reason = "no component is larger than 1")]
        let (length, rest) = (length.sqrt() as f32, rest.sqrt() as f32);
        Some(Self { largest, components, lines, sum, scale: 1.0 / steps, length, rest })
    }

    /// The query as kernels read it.
    pub(crate) fn lines(&self) -> &[QueryLine] {
        &self.lines
    }

    /// How high halves are read. The error that comes from the query's own steps is left to [`error`](Self::error).
    pub(crate) fn estimate(&self) -> Estimate {
        let offset = self.sum as f32 * (LOW_MIDDLE - 16.0 * HIGH_OFFSET as f32);
        Estimate { factor: 16.0 * self.scale, offset: offset * self.scale, slack: self.length }
    }

    /// The score by high and low halves, from their products with the query.
    pub(crate) fn halves_score(&self, high: i32, low: i32, scale: f32) -> f32 {
        let product = 16 * (i64::from(high) - i64::from(HIGH_OFFSET) * self.sum) + i64::from(low);
        product as f32 * self.scale * scale
    }

    /// No score by halves is further off than this, where no vector is longer than `longest` or has a longer rest than
    /// `rest`. What is added covers the rounding of sums in 32 bits.
    pub(crate) fn error(&self, longest: f32, rest: f32) -> f32 {
        const ROUNDING: f32 = 1e-5;
        self.query_error(longest) + self.length * (rest + ROUNDING * longest)
    }

    /// What the steps of the query add to the error of an estimate.
    pub(crate) fn query_error(&self, longest: f32) -> f32 {
        self.rest * longest
    }

    /// The score by all that is kept of a vector.
    pub(crate) fn score(&self, high: &[Line], low: &[Line], fine: &[i8], scale: f32) -> f32 {
        let mut sum = 0.0_f64;
        for (place, (&component, &parts)) in self.components.iter().zip(fine).enumerate() {
            let code = 16 * (i32::from(get(high, place)) - HIGH_OFFSET) + i32::from(get(low, place));
            sum += f64::from(component) * f64::from(code as f32 + f32::from(parts) / PARTS);
        }
        #[expect(clippy::cast_possible_truncation, reason = "scores have 32 bits")]
        let score = (sum * f64::from(scale)) as f32;
        score
    }

    /// The score that the caller is told.
    pub(crate) fn unscaled(&self, score: f32) -> f32 {
        score * self.largest
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::kernels::Kernel;

    fn component() -> impl Strategy<Value = f32> {
        prop_oneof![4 => -1.0_f32..1.0, 1 => Just(0.0), 1 => Just(1.0), 1 => Just(-1.0), 1 => -1e-4_f32..1e-4]
    }

    fn pair() -> impl Strategy<Value = (Vec<f32>, Vec<f32>)> {
        (1..300_usize).prop_flat_map(|dimension| {
            (prop::collection::vec(component(), dimension), prop::collection::vec(component(), dimension))
        })
    }

    proptest! {
        #[test]
        fn bounds_hold_and_the_fine_score_is_nearly_exact((vector, query) in pair(), size in -20..20_i32) {
            let vector: Vec<f32> = vector.iter().map(|component| component * 2.0_f32.powi(size)).collect();
            let Some(prepared) = Query::new(&query) else { return Ok(()) };
            let mut codes = Codes::new(vector.len());
            let measures = codes.write(&vector);
            let score: f64 = vector.iter().zip(&query).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum();
            let score = score / f64::from(prepared.largest);
            let (mut high, mut low) = ([0], [0]);
            Kernel::detect().products(prepared.lines(), &codes.high, &mut high);
            Kernel::detect().products(prepared.lines(), &codes.low, &mut low);

            let most = prepared.estimate().most(high[0], measures.scale, measures.slack);
            let rounding = 1e-5 * f64::from(measures.length) * f64::from(prepared.length + prepared.rest);
            let most = f64::from(most) + f64::from(prepared.query_error(measures.length)) + rounding;
            prop_assert!(most >= score, "the most is {most} of {score}");

            let halves = f64::from(prepared.halves_score(high[0], low[0], measures.scale));
            let error = f64::from(prepared.error(measures.length, measures.rest));
            prop_assert!((halves - score).abs() <= error, "{halves} is further than {error} from {score}");

            let fine = f64::from(prepared.score(&codes.high, &codes.low, &codes.fine, measures.scale));
            prop_assert!((fine - score).abs() <= 3.0 * rounding, "{fine} instead of {score}");
        }
    }

    #[test]
    fn codes_come_back_from_their_halves() {
        for code in -127..=127 {
            let (high, low) = halves(code);
            assert_eq!(16 * (i32::from(high) - HIGH_OFFSET) + i32::from(low), code);
        }
    }
}
