//! The arithmetic of the models on the processor: products with (mostly quantised) matrices, attention, and the small
//! functions between them.
//!
//! candle's quantised kernels are chosen when it is compiled, and a default build runs scalar code; these are chosen
//! when the program runs, so that one binary is right everywhere and fast where it can be. All work is split over a
//! [`Team`] of threads. This is the only module with `unsafe` code: it reads registers through pointers, calls functions
//! that need processor features, and lets threads write to different parts of one slice.

#![expect(unsafe_code, reason = "SIMD kernels; each block says why it is sound")]
#![expect(clippy::needless_range_loop, reason = "several arrays of registers are walked at once")]

mod attention;
mod elementwise;
mod key_values;
mod lanes;
mod matmul;
mod matrix;
mod operand;
mod team;

pub(crate) use attention::{Attention, attend};
pub(crate) use elementwise::{
    Rope, RopeStyle, add, gelu, gelu_multiply, layer_norm, rms_norm, rms_norm_heads, silu_multiply,
};
pub(crate) use key_values::{KeyValueRows, KeyValues};
pub(crate) use matmul::{Place, multiply};
pub(crate) use matrix::{BLOCK, Matrix};
pub(crate) use operand::Operand;
pub(crate) use team::Team;

use lanes::{Lanes, Portable};

/// What the processor can do, looked at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Simd {
    /// AVX-512 F, BW, VL, DQ and VNNI.
    #[cfg(target_arch = "x86_64")]
    Avx512,
    /// AVX2 with FMA and F16C.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// Plain Rust.
    Portable,
}

impl Simd {
    /// The best that this processor has.
    pub(crate) fn detect() -> Self {
        Self::supported()[0]
    }

    /// All that this processor has, the best first.
    pub(crate) fn supported() -> Vec<Self> {
        let mut supported = Vec::new();
        #[cfg(target_arch = "x86_64")]
        {
            let avx2 =
                is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") && is_x86_feature_detected!("f16c");
            let avx512 = is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512bw")
                && is_x86_feature_detected!("avx512vl")
                && is_x86_feature_detected!("avx512dq")
                && is_x86_feature_detected!("avx512vnni");
            if avx2 && avx512 {
                supported.push(Self::Avx512);
            }
            if avx2 {
                supported.push(Self::Avx2);
            }
        }
        supported.push(Self::Portable);
        supported
    }

    /// Runs a kernel with the registers of this level.
    fn launch(self, kernel: impl Kernel) {
        match self {
            // SAFETY: `Simd::supported` saw the features that `launch_avx512` enables.
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => unsafe { launch_avx512(kernel) },
            // SAFETY: as above, for `launch_avx2`.
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => unsafe { launch_avx2(kernel) },
            // SAFETY: `Portable` needs no processor features.
            Self::Portable => unsafe { kernel.run::<Portable>() },
        }
    }

    /// Runs plain loops, compiled for the registers of this level.
    #[inline]
    pub(crate) fn vectorise<R>(self, loops: impl FnOnce() -> R) -> R {
        match self {
            // SAFETY: `Simd::supported` saw these features.
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => unsafe { with_avx512(loops) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => unsafe { with_avx2(loops) },
            Self::Portable => loops(),
        }
    }
}

/// A computation that is written once over [`Lanes`]. `run` is `#[inline(always)]`, so that it is compiled with the
/// features of the function that it is launched from.
trait Kernel {
    /// # Safety
    /// The processor has the features of `V`.
    unsafe fn run<V: Lanes>(self);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx2,fma,f16c")]
fn launch_avx512(kernel: impl Kernel) {
    // SAFETY: this function's features are those that `Avx512` needs.
    unsafe { kernel.run::<lanes::Avx512>() }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma,f16c")]
fn launch_avx2(kernel: impl Kernel) {
    // SAFETY: this function's features are those that `Avx2` needs.
    unsafe { kernel.run::<lanes::Avx2>() }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx2,fma,f16c")]
fn with_avx512<R>(loops: impl FnOnce() -> R) -> R {
    loops()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma,f16c")]
fn with_avx2<R>(loops: impl FnOnce() -> R) -> R {
    loops()
}

/// A slice of which several threads write different parts.
struct SharedSlice<'a, T> {
    start: *mut T,
    length: usize,
    slice: std::marker::PhantomData<&'a mut [T]>,
}

// SAFETY: it gives out parts of a slice that may be sent, and `part` asks its callers that no two overlap.
unsafe impl<T: Send> Sync for SharedSlice<'_, T> {}

impl<'a, T> SharedSlice<'a, T> {
    fn new(slice: &'a mut [T]) -> Self {
        Self { start: slice.as_mut_ptr(), length: slice.len(), slice: std::marker::PhantomData }
    }

    /// `length` elements from `start` on.
    ///
    /// # Safety
    /// No two parts that exist at once overlap.
    #[expect(clippy::mut_from_ref, reason = "different parts, by contract")]
    unsafe fn part(&self, start: usize, length: usize) -> &mut [T] {
        assert!(start <= self.length && length <= self.length - start, "a part lies within the slice");
        // SAFETY: within the slice, by the assertion; borrowed once, by this function's contract.
        unsafe { std::slice::from_raw_parts_mut(self.start.add(start), length) }
    }
}

/// Calls `work` with each chunk of `size` elements (the last may be shorter) and its number, spread over the team.
pub(crate) fn for_each_chunk<T: Send>(
    team: &Team,
    slice: &mut [T],
    size: usize,
    work: impl Fn(usize, &mut [T]) + Sync,
) {
    let length = slice.len();
    let shared = SharedSlice::new(slice);
    team.run(length.div_ceil(size), |index| {
        let start = index * size;
        // SAFETY: chunks do not overlap, and each is one task.
        work(index, unsafe { shared.part(start, size.min(length - start)) });
    });
}
