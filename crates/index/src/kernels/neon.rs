//! The kernel of 64-bit ARM processors. The instruction for sums of products of bytes cannot be written in stable Rust
//! yet; since codes have 4 bits, all products of a line can be added up in 16 bits, which takes as many instructions.

use std::arch::aarch64::*;

use super::{LINE_BYTES, Line, QueryPair};

/// Bytes of a register.
const REGISTER: usize = 16;

/// Products of a query with rows. A sum of 16 bits takes 16 products of a line, at most 15 · 127 each.
pub(super) fn products(query: &[QueryPair], rows: &[Line], products: &mut [i32]) {
    for (row, product) in rows.chunks_exact(query.len()).zip(products) {
        // SAFETY: every 64-bit ARM has NEON, and each load reads 16 of the 64 bytes of a line.
        *product = unsafe {
            let half = vdupq_n_u8(15);
            let mut sum = vdupq_n_s32(0);
            for (line, [low, high]) in row.iter().zip(query) {
                let mut pairs = vdupq_n_s16(0);
                for start in (0..LINE_BYTES).step_by(REGISTER) {
                    let codes = vld1q_u8(line.0.as_ptr().add(start));
                    let low_codes = vreinterpretq_s8_u8(vandq_u8(codes, half));
                    let high_codes = vreinterpretq_s8_u8(vshrq_n_u8::<4>(codes));
                    let low = vld1q_s8(low.0.as_ptr().add(start));
                    let high = vld1q_s8(high.0.as_ptr().add(start));
                    pairs = vmlal_s8(pairs, vget_low_s8(low_codes), vget_low_s8(low));
                    pairs = vmlal_s8(pairs, vget_high_s8(low_codes), vget_high_s8(low));
                    pairs = vmlal_s8(pairs, vget_low_s8(high_codes), vget_low_s8(high));
                    pairs = vmlal_s8(pairs, vget_high_s8(high_codes), vget_high_s8(high));
                }
                sum = vpadalq_s16(sum, pairs);
            }
            vaddvq_s32(sum)
        };
    }
}
