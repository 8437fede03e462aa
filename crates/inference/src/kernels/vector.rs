//! One register of `f32` lanes, for each kind of processor. The kernels are written once over this trait and compiled
//! once for each implementation, inside a function that enables the processor's features.
//!
//! A dot product always adds lane by lane in the order of its elements, whatever else is computed beside it. So a
//! token's activations do not depend on which other tokens were evaluated in the same batch, and a prompt gives the
//! same bits whether it was read at once, in chunks or from a cached prefix.

/// A register of `f32` lanes.
///
/// # Safety
/// The methods may only be called where the processor has the features that the implementation names, and the
/// pointers must be valid for `LANES` elements.
pub(super) trait Vector: Copy {
    /// Lanes of a register.
    const LANES: usize;
    /// Tokens that a block of a matrix product computes at once, beside four rows; what the registers have room for.
    const TOKENS: usize;

    unsafe fn splat(value: f32) -> Self;
    unsafe fn load(from: *const f32) -> Self;
    unsafe fn store(self, to: *mut f32);
    /// `self * factor + addend`, rounded once where the processor can.
    unsafe fn multiply_add(self, factor: Self, addend: Self) -> Self;
    unsafe fn sum(self) -> f32;
    /// The low four bits of `LANES` bytes.
    unsafe fn low_nibbles(from: *const u8) -> Self;
    /// The high four bits of `LANES` bytes.
    unsafe fn high_nibbles(from: *const u8) -> Self;
    /// `LANES` signed bytes.
    unsafe fn bytes(from: *const i8) -> Self;
}

/// Lanes of plain Rust, right on every processor.
#[derive(Clone, Copy)]
pub(super) struct Portable([f32; 4]);

// SAFETY: no processor features are needed; the pointers are valid for four elements by the trait's contract, and the
// reads and writes do not ask for alignment.
impl Vector for Portable {
    const LANES: usize = 4;
    const TOKENS: usize = 2;

    #[inline(always)]
    unsafe fn splat(value: f32) -> Self {
        Self([value; 4])
    }
    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: valid for four elements, by the trait's contract.
        Self(unsafe { from.cast::<[f32; 4]>().read_unaligned() })
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: valid for four elements, by the trait's contract.
        unsafe { to.cast::<[f32; 4]>().write_unaligned(self.0) }
    }
    #[inline(always)]
    unsafe fn multiply_add(self, factor: Self, addend: Self) -> Self {
        Self(std::array::from_fn(|lane| {
            if cfg!(target_arch = "aarch64") {
                self.0[lane].mul_add(factor.0[lane], addend.0[lane])
            } else {
                self.0[lane] * factor.0[lane] + addend.0[lane]
            }
        }))
    }
    #[inline(always)]
    unsafe fn sum(self) -> f32 {
        (self.0[0] + self.0[2]) + (self.0[1] + self.0[3])
    }
    #[inline(always)]
    unsafe fn low_nibbles(from: *const u8) -> Self {
        // SAFETY: valid for four elements, by the trait's contract.
        Self(unsafe { from.cast::<[u8; 4]>().read_unaligned() }.map(|byte| f32::from(byte & 15)))
    }
    #[inline(always)]
    unsafe fn high_nibbles(from: *const u8) -> Self {
        // SAFETY: valid for four elements, by the trait's contract.
        Self(unsafe { from.cast::<[u8; 4]>().read_unaligned() }.map(|byte| f32::from(byte >> 4)))
    }
    #[inline(always)]
    unsafe fn bytes(from: *const i8) -> Self {
        // SAFETY: valid for four elements, by the trait's contract.
        Self(unsafe { from.cast::<[i8; 4]>().read_unaligned() }.map(f32::from))
    }
}

#[cfg(target_arch = "x86_64")]
pub(super) use x86::{Avx2, Avx512};

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::*;

    use super::Vector;

    /// Eight lanes; needs AVX2 and FMA.
    #[derive(Clone, Copy)]
    pub(in crate::kernels) struct Avx2(__m256);

    /// Sixteen lanes; needs AVX-512 F.
    #[derive(Clone, Copy)]
    pub(in crate::kernels) struct Avx512(__m512);

    // SAFETY (of every block below): the caller runs where AVX2 and FMA are present and passes pointers that are valid
    // for eight elements; the loads and stores do not ask for alignment.
    impl Vector for Avx2 {
        const LANES: usize = 8;
        const TOKENS: usize = 2;

        #[inline(always)]
        unsafe fn splat(value: f32) -> Self {
            // SAFETY: see above.
            Self(unsafe { _mm256_set1_ps(value) })
        }
        #[inline(always)]
        unsafe fn load(from: *const f32) -> Self {
            // SAFETY: see above.
            Self(unsafe { _mm256_loadu_ps(from) })
        }
        #[inline(always)]
        unsafe fn store(self, to: *mut f32) {
            // SAFETY: see above.
            unsafe { _mm256_storeu_ps(to, self.0) }
        }
        #[inline(always)]
        unsafe fn multiply_add(self, factor: Self, addend: Self) -> Self {
            // SAFETY: see above.
            Self(unsafe { _mm256_fmadd_ps(self.0, factor.0, addend.0) })
        }
        #[inline(always)]
        unsafe fn sum(self) -> f32 {
            // SAFETY: see above.
            unsafe {
                let four = _mm_add_ps(_mm256_castps256_ps128(self.0), _mm256_extractf128_ps(self.0, 1));
                let two = _mm_add_ps(four, _mm_movehl_ps(four, four));
                _mm_cvtss_f32(_mm_add_ss(two, _mm_shuffle_ps(two, two, 1)))
            }
        }
        #[inline(always)]
        unsafe fn low_nibbles(from: *const u8) -> Self {
            // SAFETY: see above; eight bytes are read.
            Self(unsafe {
                let wide = _mm256_cvtepu8_epi32(_mm_loadl_epi64(from.cast()));
                _mm256_cvtepi32_ps(_mm256_and_si256(wide, _mm256_set1_epi32(15)))
            })
        }
        #[inline(always)]
        unsafe fn high_nibbles(from: *const u8) -> Self {
            // SAFETY: see above; eight bytes are read.
            Self(unsafe {
                let wide = _mm256_cvtepu8_epi32(_mm_loadl_epi64(from.cast()));
                _mm256_cvtepi32_ps(_mm256_srli_epi32(wide, 4))
            })
        }
        #[inline(always)]
        unsafe fn bytes(from: *const i8) -> Self {
            // SAFETY: see above; eight bytes are read.
            Self(unsafe { _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64(from.cast()))) })
        }
    }

    // SAFETY (of every block below): the caller runs where AVX-512 F is present and passes pointers that are valid for
    // sixteen elements; the loads and stores do not ask for alignment.
    impl Vector for Avx512 {
        const LANES: usize = 16;
        const TOKENS: usize = 4;

        #[inline(always)]
        unsafe fn splat(value: f32) -> Self {
            // SAFETY: see above.
            Self(unsafe { _mm512_set1_ps(value) })
        }
        #[inline(always)]
        unsafe fn load(from: *const f32) -> Self {
            // SAFETY: see above.
            Self(unsafe { _mm512_loadu_ps(from) })
        }
        #[inline(always)]
        unsafe fn store(self, to: *mut f32) {
            // SAFETY: see above.
            unsafe { _mm512_storeu_ps(to, self.0) }
        }
        #[inline(always)]
        unsafe fn multiply_add(self, factor: Self, addend: Self) -> Self {
            // SAFETY: see above.
            Self(unsafe { _mm512_fmadd_ps(self.0, factor.0, addend.0) })
        }
        #[inline(always)]
        unsafe fn sum(self) -> f32 {
            // SAFETY: see above.
            unsafe { _mm512_reduce_add_ps(self.0) }
        }
        #[inline(always)]
        unsafe fn low_nibbles(from: *const u8) -> Self {
            // SAFETY: see above; sixteen bytes are read.
            Self(unsafe {
                let wide = _mm512_cvtepu8_epi32(_mm_loadu_si128(from.cast()));
                _mm512_cvtepi32_ps(_mm512_and_si512(wide, _mm512_set1_epi32(15)))
            })
        }
        #[inline(always)]
        unsafe fn high_nibbles(from: *const u8) -> Self {
            // SAFETY: see above; sixteen bytes are read.
            Self(unsafe {
                let wide = _mm512_cvtepu8_epi32(_mm_loadu_si128(from.cast()));
                _mm512_cvtepi32_ps(_mm512_srli_epi32(wide, 4))
            })
        }
        #[inline(always)]
        unsafe fn bytes(from: *const i8) -> Self {
            // SAFETY: see above; sixteen bytes are read.
            Self(unsafe { _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128(from.cast()))) })
        }
    }
}
