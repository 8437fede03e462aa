//! Vectors that lie like those of sentences, made from a seed.
//!
//! Each is a unit vector, the sum of five parts: a direction that all share (5 % of its square), one of 2,000 topics,
//! some of which are talked about far more than others (25 %), one of 50 matters within the topic (20 %), 24 of 4,096
//! directions that things have in common across topics, with weights drawn for this vector (40 %), and noise (10 %).
//! So two of one matter have a cosine of about .5, two at random of about .05, and what is left between them has few
//! dimensions, as with real embeddings. Half of the questions are drawn like stored vectors; the others are stored
//! vectors with a fifth of noise and other common directions, as a question is that resembles its answer.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

/// MiniLM's.
pub(crate) const DIMENSION: usize = 384;

const SEED: u64 = 0x5EED_0F5E_A7C4;
const TOPICS: usize = 2_000;
const MATTERS: usize = 50;
const COMMON: usize = 4_096;
const COMMON_IN_ONE: usize = 24;

/// What is stored and what is asked, row after row.
pub(crate) struct Vectors {
    pub(crate) stored: Vec<f32>,
    pub(crate) asked: Vec<f32>,
}

impl Vectors {
    /// `stored` vectors and `asked` questions, the same in every run.
    pub(crate) fn make(stored: usize, asked: usize) -> Self {
        let mut dice = Dice(SEED);
        let world = World::new(&mut dice);
        let mut vectors =
            Self { stored: Vec::with_capacity(stored * DIMENSION), asked: Vec::with_capacity(asked * DIMENSION) };
        for _ in 0..stored {
            vectors.stored.extend_from_slice(&world.draw(&mut dice));
        }
        for question in 0..asked {
            if question % 2 == 0 {
                vectors.asked.extend_from_slice(&world.draw(&mut dice));
            } else {
                let source = row(&vectors.stored, dice.below(stored)).to_vec();
                vectors.asked.extend_from_slice(&world.resemble(&source, &mut dice));
            }
        }
        vectors
    }
}

/// The vector number `index`.
pub(crate) fn row(vectors: &[f32], index: usize) -> &[f32] {
    &vectors[index * DIMENSION..(index + 1) * DIMENSION]
}

/// Writes vectors as little-endian numbers of 32 bits.
pub(crate) fn write(path: &Path, vectors: &[f32]) -> io::Result<()> {
    let mut writer = BufWriter::with_capacity(1 << 20, File::create(path)?);
    vectors.iter().try_for_each(|component| writer.write_all(&component.to_le_bytes()))?;
    writer.flush()
}

type Vector = [f32; DIMENSION];

struct World {
    shared: Vector,
    topics: Vec<Vector>,
    matters: Vec<Vector>,
    common: Vec<Vector>,
}

impl World {
    fn new(dice: &mut Dice) -> Self {
        let mut directions = |count| (0..count).map(|_| dice.direction()).collect();
        let (topics, matters, common) = (directions(TOPICS), directions(TOPICS * MATTERS), directions(COMMON));
        Self { shared: dice.direction(), topics, matters, common }
    }

    fn draw(&self, dice: &mut Dice) -> Vector {
        // The square of a number between 0 and 1 is small more often than large.
        let topic = dice.share(TOPICS);
        let matter = topic * MATTERS + dice.share(MATTERS);
        let mut vector = [0.0; DIMENSION];
        add(&mut vector, &self.shared, 0.05_f32.sqrt());
        add(&mut vector, &self.topics[topic], 0.25_f32.sqrt());
        add(&mut vector, &self.matters[matter], 0.2_f32.sqrt());
        self.add_common(&mut vector, 0.4, dice);
        add(&mut vector, &dice.direction(), 0.1_f32.sqrt());
        unit(vector)
    }

    fn resemble(&self, source: &[f32], dice: &mut Dice) -> Vector {
        let mut vector = [0.0; DIMENSION];
        add(&mut vector, source, 0.6_f32.sqrt());
        self.add_common(&mut vector, 0.2, dice);
        add(&mut vector, &dice.direction(), 0.2_f32.sqrt());
        unit(vector)
    }

    fn add_common(&self, vector: &mut Vector, share: f32, dice: &mut Dice) {
        let weight = (share / COMMON_IN_ONE as f32).sqrt();
        for _ in 0..COMMON_IN_ONE {
            let direction = dice.share(COMMON);
            let drawn = dice.normal();
            add(vector, &self.common[direction], weight * drawn);
        }
    }
}

fn add(vector: &mut Vector, part: &[f32], weight: f32) {
    vector.iter_mut().zip(part).for_each(|(sum, component)| *sum += weight * component);
}

fn unit(mut vector: Vector) -> Vector {
    let length = resident_index::dot(&vector, &vector).sqrt();
    vector.iter_mut().for_each(|component| *component /= length);
    vector
}

/// Numbers that look random (splitmix64).
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// From 0 to less than 1.
    fn fraction(&mut self) -> f32 {
        (self.next() >> 40) as f32 / (1_u64 << 24) as f32
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).expect("it is less than a usize")
    }

    /// One of `count`, the first ones more often.
    fn share(&mut self, count: usize) -> usize {
        let fraction = self.fraction();
        ((fraction * fraction * count as f32) as usize).min(count - 1)
    }

    /// From a standard normal distribution, nearly: the sum of twelve.
    fn normal(&mut self) -> f32 {
        (0..12).map(|_| self.fraction()).sum::<f32>() - 6.0
    }

    /// A unit vector from all directions alike.
    fn direction(&mut self) -> Vector {
        unit(std::array::from_fn(|_| self.quick_normal()))
    }

    /// From a bell curve of four bytes' sum, for the many components of a direction.
    fn quick_normal(&mut self) -> f32 {
        let bits = self.next();
        (0..4).map(|part| ((bits >> (16 * part)) & 0xFFFF) as f32 / 65_536.0).sum::<f32>() - 2.0
    }
}
