//! Kernels of x86 processors.

use std::arch::x86_64::*;

use super::{LINE_BYTES, Line, QueryPair};

/// Lines between what is read and what is asked for: far enough ahead that memory has answered when it is needed.
const AHEAD_LINES: usize = 96;

/// Products with `vpdpbusd`, which multiplies unsigned by signed bytes and adds them up in 32 bits.
#[target_feature(enable = "avx512f,avx512vnni")]
pub(super) fn products_avx512_vnni(query: &[QueryPair], rows: &[Line], products: &mut [i32]) {
    let half = _mm512_set1_epi8(15);
    for (row, product) in rows.chunks_exact(query.len()).zip(products) {
        // A pair of sums, so that each waits half as often for its last instruction.
        let mut sums = [_mm512_setzero_si512(); 2];
        for (line, [low, high]) in row.iter().zip(query) {
            let line = std::ptr::from_ref(line);
            // Asking for memory ahead has no effect but on time, wherever the address points.
            _mm_prefetch::<_MM_HINT_T0>(line.wrapping_add(AHEAD_LINES).cast());
            // SAFETY: lines of codes and of queries have 64 bytes and are aligned to 64.
            let (codes, low, high) = unsafe {
                (
                    _mm512_load_si512(line.cast()),
                    _mm512_load_si512(low.0.as_ptr().cast()),
                    _mm512_load_si512(high.0.as_ptr().cast()),
                )
            };
            sums[0] = _mm512_dpbusd_epi32(sums[0], _mm512_and_si512(codes, half), low);
            let high_codes = _mm512_and_si512(_mm512_srli_epi32::<4>(codes), half);
            sums[1] = _mm512_dpbusd_epi32(sums[1], high_codes, high);
        }
        *product = _mm512_reduce_add_epi32(_mm512_add_epi32(sums[0], sums[1]));
    }
}

/// Products with `vpmaddubsw`, which adds pairs of products in 16 bits. The four of a line fit 16 bits together.
#[target_feature(enable = "avx2")]
pub(super) fn products_avx2(query: &[QueryPair], rows: &[Line], products: &mut [i32]) {
    const REGISTER: usize = LINE_BYTES / 2;
    let half = _mm256_set1_epi8(15);
    let ones = _mm256_set1_epi16(1);
    for (row, product) in rows.chunks_exact(query.len()).zip(products) {
        let mut sum = _mm256_setzero_si256();
        for (line, [low, high]) in row.iter().zip(query) {
            let ahead = std::ptr::from_ref(line).wrapping_add(AHEAD_LINES);
            // Asking for memory ahead has no effect but on time, wherever the address points.
            _mm_prefetch::<_MM_HINT_T0>(ahead.cast());
            let mut pairs = _mm256_setzero_si256();
            for start in [0, REGISTER] {
                let (line, low, high) = (&line.0[start..], &low.0[start..], &high.0[start..]);
                // SAFETY: 32 bytes are left of each line, and half a line is aligned to 32.
                let (codes, low, high) = unsafe {
                    (
                        _mm256_load_si256(line.as_ptr().cast()),
                        _mm256_load_si256(low.as_ptr().cast()),
                        _mm256_load_si256(high.as_ptr().cast()),
                    )
                };
                let low_pairs = _mm256_maddubs_epi16(_mm256_and_si256(codes, half), low);
                let high_codes = _mm256_and_si256(_mm256_srli_epi16::<4>(codes), half);
                let high_pairs = _mm256_maddubs_epi16(high_codes, high);
                pairs = _mm256_add_epi16(pairs, _mm256_add_epi16(low_pairs, high_pairs));
            }
            sum = _mm256_add_epi32(sum, _mm256_madd_epi16(pairs, ones));
        }
        let sum = _mm_add_epi32(_mm256_castsi256_si128(sum), _mm256_extracti128_si256::<1>(sum));
        let sum = _mm_add_epi32(sum, _mm_shuffle_epi32::<0b_01_00_11_10>(sum));
        let sum = _mm_add_epi32(sum, _mm_shuffle_epi32::<0b_10_11_00_01>(sum));
        *product = _mm_cvtsi128_si32(sum);
    }
}
