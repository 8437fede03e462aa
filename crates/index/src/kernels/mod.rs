//! Products of a query's bytes with many rows of 4-bit codes, which is most of what a scan computes.
//!
//! The instructions are chosen when the program runs, so that one binary is right everywhere and fast where it can be.
//! All kernels give the same whole numbers, and the tests hold them against the portable one. This is the only module
//! with `unsafe` code: it calls functions that need processor features, and loads registers through pointers.

#![expect(unsafe_code, reason = "SIMD kernels; each block says why it is sound")]

#[cfg(target_arch = "aarch64")]
mod neon;
#[cfg(target_arch = "x86_64")]
mod x86;

use bytemuck::{Pod, Zeroable};

/// Bytes of a cache line, and of the widest register.
pub(crate) const LINE_BYTES: usize = 64;

/// Codes of 4 bits in a line.
pub(crate) const LINE_CODES: usize = 2 * LINE_BYTES;

/// Lines of whole bytes that a query has for each line of codes.
const QUERY_LINES: usize = LINE_CODES / LINE_BYTES;

/// One cache line of 128 codes from 0 to 15, aligned so that no load crosses two lines. The low half of byte `i` is
/// code `i`, the high half code `64 + i`: both halves are unpacked without moving a byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Zeroable, Pod)]
#[repr(C, align(64))]
pub(crate) struct Line(pub(crate) [u8; LINE_BYTES]);

/// 64 components of a query, from -127 to 127: as many products with codes as a kernel adds up fit 16 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(C, align(64))]
pub(crate) struct QueryLine(pub(crate) [i8; LINE_BYTES]);

/// Which instructions are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kernel {
    /// AVX-512 with its instruction for sums of products of bytes.
    #[cfg(target_arch = "x86_64")]
    Avx512Vnni,
    /// AVX2.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// NEON, which every 64-bit ARM has.
    #[cfg(target_arch = "aarch64")]
    Neon,
    /// Plain Rust.
    Portable,
}

impl Kernel {
    /// The best that this processor has.
    pub(crate) fn detect() -> Self {
        *Self::available().first().expect("plain Rust is always there")
    }

    /// All that this processor has, the best first.
    pub(crate) fn available() -> Vec<Self> {
        let mut kernels = Vec::new();
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512vnni") {
                kernels.push(Self::Avx512Vnni);
            }
            if is_x86_feature_detected!("avx2") {
                kernels.push(Self::Avx2);
            }
        }
        #[cfg(target_arch = "aarch64")]
        kernels.push(Self::Neon);
        kernels.push(Self::Portable);
        kernels
    }

    /// What it is called in figures.
    pub(crate) fn name(self) -> &'static str {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512Vnni => "AVX-512 VNNI",
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => "AVX2",
            #[cfg(target_arch = "aarch64")]
            Self::Neon => "NEON",
            Self::Portable => "portable",
        }
    }

    /// Writes the product of `query` with each row of `rows` to `products`. A row has a line for each two of the query.
    ///
    /// # Panics
    /// When `rows` are not as many as `products`.
    pub(crate) fn products(self, query: &[QueryLine], rows: &[Line], products: &mut [i32]) {
        assert_eq!(rows.len() * QUERY_LINES, query.len() * products.len(), "each product has its row");
        if query.is_empty() {
            products.fill(0);
            return;
        }
        let (query, rest) = query.as_chunks();
        assert!(rest.is_empty(), "a query has lines for whole lines of codes");
        match self {
            // SAFETY: the kernel is made only by `available`, which has seen the features.
            #[cfg(target_arch = "x86_64")]
            Self::Avx512Vnni => unsafe { x86::products_avx512_vnni(query, rows, products) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => unsafe { x86::products_avx2(query, rows, products) },
            #[cfg(target_arch = "aarch64")]
            Self::Neon => neon::products(query, rows, products),
            Self::Portable => products_portable(query, rows, products),
        }
    }
}

/// Two lines of the query: for the low and the high halves of a line of codes.
type QueryPair = [QueryLine; QUERY_LINES];

/// Sums of 16 bits stand beside each other, which the compiler turns into whatever registers there are.
fn products_portable(query: &[QueryPair], rows: &[Line], products: &mut [i32]) {
    /// Lines after which a sum of 16 bits could be full: a line adds up to 2 · 15 · 127.
    const FULL: usize = i16::MAX as usize / (2 * 15 * 127);

    for (row, product) in rows.chunks_exact(query.len()).zip(products) {
        *product = 0;
        for (row, query) in row.chunks(FULL).zip(query.chunks(FULL)) {
            let mut sums = [0_i16; LINE_BYTES];
            for (line, [low, high]) in row.iter().zip(query) {
                let products = low.0.iter().zip(&high.0).zip(&line.0).map(|((&low, &high), &codes)| {
                    i16::from(codes & 15) * i16::from(low) + i16::from(codes >> 4) * i16::from(high)
                });
                sums.iter_mut().zip(products).for_each(|(sum, product)| *sum += product);
            }
            *product += sums.iter().map(|&sum| i32::from(sum)).sum::<i32>();
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(query: &[i8], rows: &[u8]) -> Result<(), TestCaseError> {
        let (query, _) = query.as_chunks();
        let query: Vec<QueryLine> = query.iter().map(|line| QueryLine(*line)).collect();
        let (rows, _) = rows.as_chunks();
        let rows: Vec<Line> = rows.iter().map(|line| Line(*line)).collect();
        let width = query.len() / QUERY_LINES;
        let count = rows.len().checked_div(width).unwrap_or(3);
        let mut expected = vec![0; count];
        for (index, product) in expected.iter_mut().enumerate() {
            for (line, pair) in rows[index * width..].iter().zip(query.chunks(QUERY_LINES)) {
                for place in 0..LINE_BYTES {
                    *product += i32::from(line.0[place] % 16) * i32::from(pair[0].0[place]);
                    *product += i32::from(line.0[place] / 16) * i32::from(pair[1].0[place]);
                }
            }
        }
        for kernel in Kernel::available() {
            let mut products = vec![i32::MIN; count];
            kernel.products(&query, &rows, &mut products);
            prop_assert_eq!(&products, &expected, "{}", kernel.name());
        }
        Ok(())
    }

    /// A query and rows of any shape, with many numbers at the edges of their range.
    fn query_and_rows() -> impl Strategy<Value = (Vec<i8>, Vec<u8>)> {
        let query = || prop_oneof![2 => -127_i8..=127, 1 => Just(-127), 1 => Just(127), 1 => Just(0)];
        let codes = || prop_oneof![2 => any::<u8>(), 1 => Just(0), 1 => Just(255), 1 => Just(0xF0), 1 => Just(0x0F)];
        (0..12_usize, 0..12_usize).prop_flat_map(move |(width, count)| {
            let bytes = width * LINE_BYTES;
            (prop::collection::vec(query(), QUERY_LINES * bytes), prop::collection::vec(codes(), bytes * count))
        })
    }

    proptest! {
        #[test]
        fn every_kernel_gives_the_portable_products((query, rows) in query_and_rows()) {
            check(&query, &rows)?;
        }
    }

    #[test]
    fn the_largest_numbers_do_not_overflow() {
        for width in [1, 3, 8, 9, 16, 17, 100] {
            for query in [127, -127] {
                let bytes = width * LINE_BYTES;
                check(&vec![query; QUERY_LINES * bytes], &vec![255; bytes * 5]).unwrap();
            }
        }
    }
}
