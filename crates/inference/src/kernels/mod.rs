//! The arithmetic of the models on the processor: products with (mostly quantised) matrices, attention, and the small
//! functions between them.
//!
//! candle's quantised kernels are chosen when it is compiled, and a default build runs scalar code; these are chosen
//! when the program runs, so that one binary is right everywhere and fast where it can be. All work is split over the
//! rayon pool that the caller runs in. This is the only module with `unsafe` code: it reads registers through
//! pointers and calls functions that need processor features.

#![expect(unsafe_code, reason = "SIMD kernels; each block says why it is sound")]

mod attention;
mod elementwise;
mod matmul;
mod matrix;
mod vector;

pub(crate) use attention::{Attention, attend};
pub(crate) use elementwise::{Rope, RopeStyle, add, gelu, layer_norm, rms_norm, rms_norm_in_place, silu_multiply};
pub(crate) use matmul::multiply;
pub(crate) use matrix::{BLOCK, Matrix};

/// What the processor can do, looked at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Simd {
    /// AVX-512 F.
    #[cfg(target_arch = "x86_64")]
    Avx512,
    /// AVX2 with FMA.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// Plain Rust.
    Portable,
}

impl Simd {
    /// The best that this processor has.
    pub(crate) fn detect() -> Self {
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("fma") {
                return Self::Avx512;
            }
            if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                return Self::Avx2;
            }
        }
        Self::Portable
    }
}
