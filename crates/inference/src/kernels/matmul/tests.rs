//! Products of every form, at every level, against the same written naively.

use half::{bf16, f16};

use super::super::operand::{BLOCK_BYTES, BlockOf, COARSE};
use super::*;

fn noise(count: usize, seed: u32) -> Vec<f32> {
    let mut state = seed;
    (0..count)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / (1 << 23) as f32 - 1.0
        })
        .collect()
}

fn five_bit(rows: usize, columns: usize, has_minima: bool) -> Matrix {
    let raw: Vec<u8> = (0..rows * columns / BLOCK)
        .flat_map(|block| {
            let scale = f16::from_f32(0.01 + (block % 50) as f32 * 1e-4).to_le_bytes();
            let minimum = f16::from_f32(-0.12).to_le_bytes();
            let rest = (0..20).map(move |index| (block * 53 + index * 91) as u8);
            scale.into_iter().chain(minimum.into_iter().filter(move |_| has_minima)).chain(rest)
        })
        .collect();
    if has_minima { Matrix::from_q5_1(rows, columns, &raw) } else { Matrix::from_q5_0(rows, columns, &raw) }
}

fn four_bit(rows: usize, columns: usize, has_minima: bool) -> Matrix {
    let raw: Vec<u8> = (0..rows * columns / BLOCK)
        .flat_map(|block| {
            let scale = f16::from_f32(0.01 + (block % 50) as f32 * 1e-4).to_le_bytes();
            let minimum = f16::from_f32(-0.07).to_le_bytes();
            let quants = (0..16).map(move |index| (block * 37 + index * 91) as u8);
            scale.into_iter().chain(minimum.into_iter().filter(move |_| has_minima)).chain(quants)
        })
        .collect();
    if has_minima { Matrix::from_q4_1(rows, columns, &raw) } else { Matrix::from_q4_0(rows, columns, &raw) }
}

fn sixteen_bits(values: &[f32], bits: impl Fn(f32) -> u16) -> Vec<u8> {
    values.iter().flat_map(|value| bits(*value).to_le_bytes()).collect()
}

/// A matrix of every form.
fn matrices(rows: usize, columns: usize) -> Vec<Matrix> {
    let values = noise(rows * columns, 3);
    vec![
        four_bit(rows, columns, true),
        four_bit(rows, columns, false),
        five_bit(rows, columns, true),
        five_bit(rows, columns, false),
        Matrix::from_f32(rows, columns, &values),
        Matrix::single(rows, columns, &values),
        Matrix::half(rows, columns, &sixteen_bits(&values, |value| f16::from_f32(value).to_bits())),
        Matrix::brain(rows, columns, &sixteen_bits(&values, |value| bf16::from_f32(value).to_bits())),
    ]
}

fn operand(on: (&Team, Simd), x: &[f32], columns: usize) -> Operand {
    let mut operand = Operand::default();
    operand.fill(on, (x.len() / columns, columns), true, |token, row| {
        row.copy_from_slice(&x[token * columns..][..columns]);
    });
    operand
}

/// What a product takes of the activations, in the precision that it takes them in.
fn taken(matrix: &Matrix, operand: &Operand) -> Vec<f64> {
    if !matrix.is_quantised() {
        return operand.values().iter().map(|value| f64::from(*value)).collect();
    }
    let (quants, blocks) = operand.rounded();
    let quant = |quants: &[i8], at: usize| i32::from(quants[at]) * COARSE + i32::from(quants[BLOCK + at]);
    let blocks = quants.chunks_exact(BLOCK_BYTES).zip(blocks);
    let values = |(quants, block): (_, &BlockOf)| {
        let scale = f64::from(block.scale);
        (0..BLOCK).map(|at| f64::from(quant(quants, at)) * scale).collect::<Vec<_>>()
    };
    blocks.flat_map(values).collect()
}

#[test]
fn a_product_equals_the_naive_one_in_every_form_and_at_every_level() {
    Team::gather(|team| {
        for (rows, columns, tokens) in [(70, 96, 1), (70, 96, 7), (33, 64, 65), (16, 32, 3), (1, 32, 8), (200, 320, 2)]
        {
            let x = noise(tokens * columns, 7);
            for matrix in matrices(rows, columns) {
                let mut weights = vec![0f32; columns];
                for simd in Simd::supported() {
                    let operand = operand((team, simd), &x, columns);
                    let place = Place { stride: rows + 5, column: 2, adds: true };
                    let mut out = vec![1f32; tokens * place.stride];
                    multiply((team, simd), &matrix, &operand, &mut out, place);
                    let taken = taken(&matrix, &operand);
                    for row in 0..rows {
                        matrix.copy_row(row, &mut weights);
                        for token in 0..tokens {
                            let x = &taken[token * columns..][..columns];
                            let products = x.iter().zip(&weights).map(|(x, weight)| x * f64::from(*weight));
                            let expected = 1.0 + products.sum::<f64>();
                            let got = f64::from(out[token * place.stride + 2 + row]);
                            let what = format!("{simd:?} {rows}x{columns} row {row} token {token}");
                            assert!((got - expected).abs() < 2e-4, "{what}: {got} {expected}");
                        }
                    }
                    let untouched = out.chunks_exact(place.stride).all(|out| out[0] == 1.0 && out[rows + 2] == 1.0);
                    assert!(untouched, "what is beside the product stays");
                }
            }
        }
    });
}

#[test]
fn a_token_gets_the_same_bits_alone_and_in_a_batch() {
    let x = noise(71 * 96, 11);
    let place = Place { stride: 70, column: 0, adds: false };
    Team::gather(|team| {
        for matrix in matrices(70, 96) {
            for simd in Simd::supported() {
                let mut batch = vec![0f32; 71 * 70];
                multiply((team, simd), &matrix, &operand((team, simd), &x, 96), &mut batch, place);
                for (token, x) in x.chunks_exact(96).enumerate() {
                    let mut alone = vec![0f32; 70];
                    multiply((team, simd), &matrix, &operand((team, simd), x, 96), &mut alone, place);
                    assert_eq!(alone, batch[token * 70..][..70], "{simd:?} token {token}");
                }
            }
        }
    });
}

#[test]
fn whole_numbers_are_multiplied_exactly_at_every_level() {
    // One block of weights, all that a byte can be, and activations that are whole numbers: nothing is rounded but
    // the last scaling.
    let raw: Vec<u8> = (0..16)
        .flat_map(|row: u8| f16::ONE.to_le_bytes().into_iter().chain((0..32).map(move |at| row * 17 + at * 9)))
        .collect();
    let matrix = Matrix::from_q8_0(16, 32, &raw);
    let x: Vec<f32> = (0..32).map(|at| if at == 0 { 127.0 } else { (at * 8 - 127) as f32 }).collect();
    let products = |simd| {
        Team::gather(|team| {
            let mut out = vec![0f32; 16];
            let place = Place { stride: 16, column: 0, adds: false };
            multiply((team, simd), &matrix, &operand((team, simd), &x, 32), &mut out, place);
            out
        })
    };
    let expected: Vec<f32> = (0..16)
        .map(|row| {
            let weights = raw[row * 34 + 2..][..32].iter();
            weights.zip(&x).map(|(weight, x)| f32::from(weight.cast_signed()) * x).sum()
        })
        .collect();
    for simd in Simd::supported() {
        for (got, expected) in products(simd).iter().zip(&expected) {
            assert!((got - expected).abs() <= expected.abs() * 1e-6, "{simd:?}: {got} {expected}");
        }
    }
}

#[test]
fn rounding_to_eight_bits_stays_within_half_a_step() {
    let values = noise(4 * 64, 5);
    let matrix = Matrix::from_f32(4, 64, &values);
    let mut row = vec![0f32; 64];
    for (index, values) in values.chunks_exact(64).enumerate() {
        matrix.copy_row(index, &mut row);
        for (got, expected) in row.iter().zip(values) {
            // Half a step of 1/127, and the rounding of the scale to half precision.
            assert!((got - expected).abs() <= 0.5 / 127.0 + 1e-3, "{got} {expected}");
        }
    }
}
