//! The dot product, written so that the compiler turns it into SIMD instructions of whatever it may target.
//!
//! Sixteen independent sums break the chain of dependent additions (an addition takes about four cycles, and two can
//! start in each); with one running sum the loop would wait for itself, since floating-point addition must not be
//! reordered by the compiler.

/// How many sums run beside each other: four SSE registers, or two of AVX.
const LANES: usize = 16;

/// The dot product of two vectors of the same length; for unit vectors their cosine similarity.
///
/// The order of additions depends only on the length, so equal inputs give equal bits.
pub fn dot(left: &[f32], right: &[f32]) -> f32 {
    debug_assert_eq!(left.len(), right.len(), "vectors of one index have one dimension");
    let mut sums = [0.0_f32; LANES];
    let left_chunks = left.chunks_exact(LANES);
    let right_chunks = right.chunks_exact(LANES);
    let rest: f32 = left_chunks.remainder().iter().zip(right_chunks.remainder()).map(|(a, b)| a * b).sum();
    for (a, b) in left_chunks.zip(right_chunks) {
        for lane in 0..LANES {
            sums[lane] += a[lane] * b[lane];
        }
    }
    sums.iter().sum::<f32>() + rest
}

#[cfg(test)]
mod tests {
    use super::dot;

    #[test]
    fn every_component_counts_whatever_the_length() {
        for length in [0, 1, 15, 16, 17, 384, 385] {
            let ones = vec![1.0_f32; length];
            let ramp: Vec<f32> = (0..length).map(|i| i as f32).collect();
            let expected = (0..length).sum::<usize>() as f32;
            assert_eq!(dot(&ones, &ramp), expected, "length {length}");
        }
    }
}
