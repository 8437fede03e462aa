//! One register of lanes, for each kind of processor. The kernels are written once over this trait and compiled once
//! for each implementation, inside a function that enables the processor's features.
//!
//! A lane is a row of a matrix, or a position of a sequence: what is added up is added up within a lane, in the order
//! of its elements, whatever else is computed beside it. So a token's activations do not depend on which other tokens
//! were evaluated in the same batch, and a prompt gives the same bits whether it was read at once, in chunks or from a
//! cached prefix.

/// A register of `f32` lanes, with the integers of 32 and 8 bits that share its lanes.
///
/// # Safety
/// The methods may only be called where the processor has the features that the implementation names, and the
/// pointers must be valid for `LANES` elements (`4 * LANES` bytes for [`Lanes::bytes`]).
pub(super) trait Lanes: Copy {
    /// Lanes of a register; a divisor of 16.
    const LANES: usize;
    /// Tokens that a product computes at once; what the registers have room for.
    const TOKENS: usize;
    /// What [`Lanes::dot4`] leaves to be taken away for each activation.
    const CENTRE: i32;
    /// `LANES` integers.
    type Integers: Copy;
    /// Four bytes for each lane.
    type Bytes: Copy;

    unsafe fn splat(value: f32) -> Self;
    unsafe fn load(from: *const f32) -> Self;
    unsafe fn store(self, to: *mut f32);
    unsafe fn add(self, other: Self) -> Self;
    unsafe fn multiply(self, factor: Self) -> Self;
    /// `self * factor + addend`, rounded once where the processor can.
    unsafe fn multiply_add(self, factor: Self, addend: Self) -> Self;
    /// Numbers of half precision.
    unsafe fn load_half(from: *const u16) -> Self;
    /// Rounds to half precision.
    unsafe fn store_half(self, to: *mut u16);
    /// Numbers of 16 bits with the range of single precision (bfloat16).
    unsafe fn load_brain(from: *const u16) -> Self;

    unsafe fn integers(value: i32) -> Self::Integers;
    unsafe fn from_integers(integers: Self::Integers) -> Self;
    unsafe fn bytes(from: *const u8) -> Self::Bytes;
    /// The low four bits of each byte.
    unsafe fn low(bytes: Self::Bytes) -> Self::Bytes;
    /// The high four bits of each byte.
    unsafe fn high(bytes: Self::Bytes) -> Self::Bytes;
    /// Adds 16 to each byte whose bit is set; the bits are `LANES / 2` bytes long.
    unsafe fn with_fifth(bytes: Self::Bytes, bits: *const u8) -> Self::Bytes;
    /// Adds to each lane the product of its four weights, from 0 to 31, with the four signed bytes of `activations`,
    /// none of them -128.
    unsafe fn dot4_small(sum: Self::Integers, weights: Self::Bytes, activations: i32) -> Self::Integers;
    /// The same for weights that are kept as a byte 128 above them. Each activation's [`Lanes::CENTRE`]-fold is still
    /// to be taken away.
    unsafe fn dot4(sum: Self::Integers, weights: Self::Bytes, activations: i32) -> Self::Integers;
}

/// The value of half-precision bits; exact for every finite number. In plain arithmetic, so that it needs no processor
/// feature and can be inlined everywhere.
#[inline(always)]
pub(super) fn single(bits: u16) -> f32 {
    /// 2^112, the difference between the two exponents' biases.
    const REBIAS: f32 = f32::from_bits(0x7780_0000);
    let magnitude = f32::from_bits(u32::from(bits & 0x7fff) << 13) * REBIAS;
    f32::from_bits(magnitude.to_bits() | (u32::from(bits & 0x8000) << 16))
}

/// Lanes of plain Rust, right on every processor.
#[derive(Clone, Copy)]
pub(super) struct Portable([f32; 4]);

/// Each lane's four bytes, as one number.
type PortableBytes = [u32; 4];

// SAFETY: no processor features are needed; the pointers are valid for four elements by the trait's contract, and the
// reads and writes do not ask for alignment.
impl Lanes for Portable {
    const LANES: usize = 4;
    const TOKENS: usize = 2;
    const CENTRE: i32 = 0;
    type Integers = [i32; 4];
    type Bytes = PortableBytes;

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
    unsafe fn add(self, other: Self) -> Self {
        Self(std::array::from_fn(|lane| self.0[lane] + other.0[lane]))
    }
    #[inline(always)]
    unsafe fn multiply(self, factor: Self) -> Self {
        Self(std::array::from_fn(|lane| self.0[lane] * factor.0[lane]))
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
    unsafe fn load_half(from: *const u16) -> Self {
        // SAFETY: valid for four elements, by the trait's contract.
        Self(unsafe { from.cast::<[u16; 4]>().read_unaligned() }.map(single))
    }
    #[inline(always)]
    unsafe fn store_half(self, to: *mut u16) {
        let halves = self.0.map(|value| half::f16::from_f32(value).to_bits());
        // SAFETY: valid for four elements, by the trait's contract.
        unsafe { to.cast::<[u16; 4]>().write_unaligned(halves) }
    }
    #[inline(always)]
    unsafe fn load_brain(from: *const u16) -> Self {
        // SAFETY: valid for four elements, by the trait's contract.
        let bits = unsafe { from.cast::<[u16; 4]>().read_unaligned() };
        Self(bits.map(|bits| f32::from_bits(u32::from(bits) << 16)))
    }
    #[inline(always)]
    unsafe fn integers(value: i32) -> [i32; 4] {
        [value; 4]
    }
    #[inline(always)]
    unsafe fn from_integers(integers: [i32; 4]) -> Self {
        Self(integers.map(|integer| integer as f32))
    }
    #[inline(always)]
    unsafe fn bytes(from: *const u8) -> PortableBytes {
        // SAFETY: valid for sixteen bytes, by the trait's contract.
        unsafe { from.cast::<PortableBytes>().read_unaligned() }
    }
    #[inline(always)]
    unsafe fn low(bytes: PortableBytes) -> PortableBytes {
        bytes.map(|four| four & 0x0f0f_0f0f)
    }
    #[inline(always)]
    unsafe fn high(bytes: PortableBytes) -> PortableBytes {
        bytes.map(|four| (four >> 4) & 0x0f0f_0f0f)
    }
    #[inline(always)]
    unsafe fn with_fifth(bytes: PortableBytes, bits: *const u8) -> PortableBytes {
        // SAFETY: valid for two bytes, by the trait's contract.
        let bits = u32::from(unsafe { bits.cast::<u16>().read_unaligned() });
        std::array::from_fn(|lane| {
            let four = bits >> (4 * lane);
            let spread = (four & 1) | ((four & 2) << 7) | ((four & 4) << 14) | ((four & 8) << 21);
            bytes[lane] | (spread << 4)
        })
    }
    #[inline(always)]
    unsafe fn dot4_small(sum: [i32; 4], weights: PortableBytes, activations: i32) -> [i32; 4] {
        std::array::from_fn(|lane| dot4_of(sum[lane], weights[lane], activations))
    }
    #[inline(always)]
    unsafe fn dot4(sum: [i32; 4], weights: PortableBytes, activations: i32) -> [i32; 4] {
        std::array::from_fn(|lane| dot4_of(sum[lane], weights[lane] ^ 0x8080_8080, activations))
    }
}

/// Adds the products of four signed bytes with four others, each four as the bytes of one number.
#[inline(always)]
fn dot4_of(sum: i32, weights: u32, activations: i32) -> i32 {
    let byte = |number: u32, at: u32| i32::from((number >> (8 * at)) as u8 as i8);
    (0..4).fold(sum, |sum, at| sum + byte(weights, at) * byte(activations.cast_unsigned(), at))
}

#[cfg(target_arch = "x86_64")]
pub(super) use x86::{Avx2, Avx512};

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::*;

    use super::Lanes;

    /// Eight lanes; needs AVX2, FMA and F16C.
    #[derive(Clone, Copy)]
    pub(in crate::kernels) struct Avx2(__m256);

    /// Sixteen lanes; needs AVX-512 F, BW and VNNI.
    #[derive(Clone, Copy)]
    pub(in crate::kernels) struct Avx512(__m512);

    // SAFETY (of every block below): the caller runs where AVX2, FMA and F16C are present and passes pointers that are
    // valid for eight elements or 32 bytes; the loads and stores do not ask for alignment.
    impl Lanes for Avx2 {
        const LANES: usize = 8;
        const TOKENS: usize = 4;
        const CENTRE: i32 = 0;
        type Integers = __m256i;
        type Bytes = __m256i;

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
        unsafe fn add(self, other: Self) -> Self {
            // SAFETY: see above.
            Self(unsafe { _mm256_add_ps(self.0, other.0) })
        }
        #[inline(always)]
        unsafe fn multiply(self, factor: Self) -> Self {
            // SAFETY: see above.
            Self(unsafe { _mm256_mul_ps(self.0, factor.0) })
        }
        #[inline(always)]
        unsafe fn multiply_add(self, factor: Self, addend: Self) -> Self {
            // SAFETY: see above.
            Self(unsafe { _mm256_fmadd_ps(self.0, factor.0, addend.0) })
        }
        #[inline(always)]
        unsafe fn load_half(from: *const u16) -> Self {
            // SAFETY: see above.
            Self(unsafe { _mm256_cvtph_ps(_mm_loadu_si128(from.cast())) })
        }
        #[inline(always)]
        unsafe fn store_half(self, to: *mut u16) {
            // SAFETY: see above.
            unsafe { _mm_storeu_si128(to.cast(), _mm256_cvtps_ph::<_MM_FROUND_TO_NEAREST_INT>(self.0)) }
        }
        #[inline(always)]
        unsafe fn load_brain(from: *const u16) -> Self {
            // SAFETY: see above.
            Self(unsafe {
                let wide = _mm256_cvtepu16_epi32(_mm_loadu_si128(from.cast()));
                _mm256_castsi256_ps(_mm256_slli_epi32::<16>(wide))
            })
        }
        #[inline(always)]
        unsafe fn integers(value: i32) -> __m256i {
            // SAFETY: see above.
            unsafe { _mm256_set1_epi32(value) }
        }
        #[inline(always)]
        unsafe fn from_integers(integers: __m256i) -> Self {
            // SAFETY: see above.
            Self(unsafe { _mm256_cvtepi32_ps(integers) })
        }
        #[inline(always)]
        unsafe fn bytes(from: *const u8) -> __m256i {
            // SAFETY: see above.
            unsafe { _mm256_loadu_si256(from.cast()) }
        }
        #[inline(always)]
        unsafe fn low(bytes: __m256i) -> __m256i {
            // SAFETY: see above.
            unsafe { _mm256_and_si256(bytes, _mm256_set1_epi8(15)) }
        }
        #[inline(always)]
        unsafe fn high(bytes: __m256i) -> __m256i {
            // SAFETY: see above.
            unsafe { _mm256_and_si256(_mm256_srli_epi16::<4>(bytes), _mm256_set1_epi8(15)) }
        }
        #[inline(always)]
        unsafe fn with_fifth(bytes: __m256i, bits: *const u8) -> __m256i {
            // SAFETY: see above; four bytes of bits are read.
            unsafe {
                let bits = _mm256_set1_epi32(bits.cast::<i32>().read_unaligned());
                let byte = _mm256_set_epi64x(0x0303_0303_0303_0303, 0x0202_0202_0202_0202, 0x0101_0101_0101_0101, 0);
                let bit = _mm256_set1_epi64x(0x8040_2010_0804_0201_u64.cast_signed());
                let set = _mm256_and_si256(_mm256_shuffle_epi8(bits, byte), bit);
                let sixteen = _mm256_and_si256(_mm256_cmpeq_epi8(set, bit), _mm256_set1_epi8(16));
                _mm256_or_si256(bytes, sixteen)
            }
        }
        #[inline(always)]
        unsafe fn dot4_small(sum: __m256i, weights: __m256i, activations: i32) -> __m256i {
            // SAFETY: see above. Two products of at most 31 * 127 fit 16 bits.
            unsafe {
                let pairs = _mm256_maddubs_epi16(weights, _mm256_set1_epi32(activations));
                _mm256_add_epi32(sum, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)))
            }
        }
        #[inline(always)]
        unsafe fn dot4(sum: __m256i, weights: __m256i, activations: i32) -> __m256i {
            // SAFETY: see above. Two products of at most 128 * 127 fit 16 bits.
            unsafe {
                let weights = _mm256_xor_si256(weights, _mm256_set1_epi8(-128));
                let signed = _mm256_sign_epi8(_mm256_set1_epi32(activations), weights);
                let pairs = _mm256_maddubs_epi16(_mm256_abs_epi8(weights), signed);
                _mm256_add_epi32(sum, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)))
            }
        }
    }

    // SAFETY (of every block below): the caller runs where AVX-512 F, BW and VNNI are present and passes pointers that
    // are valid for sixteen elements or 64 bytes; the loads and stores do not ask for alignment.
    impl Lanes for Avx512 {
        const LANES: usize = 16;
        const TOKENS: usize = 8;
        const CENTRE: i32 = 128;
        type Integers = __m512i;
        type Bytes = __m512i;

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
        unsafe fn add(self, other: Self) -> Self {
            // SAFETY: see above.
            Self(unsafe { _mm512_add_ps(self.0, other.0) })
        }
        #[inline(always)]
        unsafe fn multiply(self, factor: Self) -> Self {
            // SAFETY: see above.
            Self(unsafe { _mm512_mul_ps(self.0, factor.0) })
        }
        #[inline(always)]
        unsafe fn multiply_add(self, factor: Self, addend: Self) -> Self {
            // SAFETY: see above.
            Self(unsafe { _mm512_fmadd_ps(self.0, factor.0, addend.0) })
        }
        #[inline(always)]
        unsafe fn load_half(from: *const u16) -> Self {
            // SAFETY: see above.
            Self(unsafe { _mm512_cvtph_ps(_mm256_loadu_si256(from.cast())) })
        }
        #[inline(always)]
        unsafe fn store_half(self, to: *mut u16) {
            // SAFETY: see above.
            unsafe { _mm256_storeu_si256(to.cast(), _mm512_cvtps_ph::<_MM_FROUND_TO_NEAREST_INT>(self.0)) }
        }
        #[inline(always)]
        unsafe fn load_brain(from: *const u16) -> Self {
            // SAFETY: see above.
            Self(unsafe {
                let wide = _mm512_cvtepu16_epi32(_mm256_loadu_si256(from.cast()));
                _mm512_castsi512_ps(_mm512_slli_epi32::<16>(wide))
            })
        }
        #[inline(always)]
        unsafe fn integers(value: i32) -> __m512i {
            // SAFETY: see above.
            unsafe { _mm512_set1_epi32(value) }
        }
        #[inline(always)]
        unsafe fn from_integers(integers: __m512i) -> Self {
            // SAFETY: see above.
            Self(unsafe { _mm512_cvtepi32_ps(integers) })
        }
        #[inline(always)]
        unsafe fn bytes(from: *const u8) -> __m512i {
            // SAFETY: see above.
            unsafe { _mm512_loadu_si512(from.cast()) }
        }
        #[inline(always)]
        unsafe fn low(bytes: __m512i) -> __m512i {
            // SAFETY: see above.
            unsafe { _mm512_and_si512(bytes, _mm512_set1_epi8(15)) }
        }
        #[inline(always)]
        unsafe fn high(bytes: __m512i) -> __m512i {
            // SAFETY: see above.
            unsafe { _mm512_and_si512(_mm512_srli_epi16::<4>(bytes), _mm512_set1_epi8(15)) }
        }
        #[inline(always)]
        unsafe fn with_fifth(bytes: __m512i, bits: *const u8) -> __m512i {
            // SAFETY: see above; eight bytes of bits are read.
            unsafe {
                let bits = bits.cast::<u64>().read_unaligned();
                _mm512_mask_add_epi8(bytes, bits, bytes, _mm512_set1_epi8(16))
            }
        }
        #[inline(always)]
        unsafe fn dot4_small(sum: __m512i, weights: __m512i, activations: i32) -> __m512i {
            // SAFETY: see above.
            unsafe { _mm512_dpbusd_epi32(sum, weights, _mm512_set1_epi32(activations)) }
        }
        #[inline(always)]
        unsafe fn dot4(sum: __m512i, weights: __m512i, activations: i32) -> __m512i {
            // SAFETY: see above.
            unsafe { _mm512_dpbusd_epi32(sum, weights, _mm512_set1_epi32(activations)) }
        }
    }
}

#[cfg(test)]
mod tests {
    use half::f16;

    use super::*;

    #[test]
    fn half_precision_bits_become_the_same_numbers() {
        for bits in 0..=u16::MAX {
            let expected = f16::from_bits(bits);
            if expected.is_finite() {
                assert_eq!(single(bits).to_bits(), expected.to_f32().to_bits(), "{bits:#06x}");
            }
        }
    }
}
