//! Linear layers: one or more matrices over the same input, whose outputs lie beside each other.

use crate::kernels::{Matrix, Operand, Place, Simd, Team, add, for_each_chunk, multiply};

/// Matrices whose outputs lie beside each other, with their biases.
#[derive(Debug)]
pub(crate) struct Linear {
    /// As few as possible: those of one form are stacked.
    parts: Vec<Matrix>,
    bias: Option<Vec<f32>>,
    rows: usize,
}

impl Linear {
    /// The layer of `parts`, each with its bias or none; all have the same columns.
    pub(crate) fn new(parts: impl IntoIterator<Item = (Matrix, Option<Vec<f32>>)>) -> Self {
        let mut stacked: Vec<Matrix> = Vec::new();
        let (mut bias, mut has_bias) = (Vec::new(), false);
        for (matrix, part_bias) in parts {
            has_bias |= part_bias.is_some();
            bias.extend(part_bias.unwrap_or_else(|| vec![0.0; matrix.rows()]));
            match stacked.pop() {
                Some(above) => match above.stack(matrix) {
                    Ok(both) => stacked.push(both),
                    Err(apart) => stacked.extend([apart.0, apart.1]),
                },
                None => stacked.push(matrix),
            }
        }
        Self { rows: bias.len(), bias: has_bias.then_some(bias), parts: stacked }
    }

    /// Outputs for each token.
    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    /// Whether it takes rounded activations.
    pub(crate) fn is_quantised(&self) -> bool {
        self.parts.iter().any(Matrix::is_quantised)
    }

    /// Writes its outputs for `x` to `out`, `(tokens, rows)`, or adds them to what is there.
    pub(crate) fn forward(&self, (team, simd): (&Team, Simd), x: &Operand, out: &mut [f32], adds: bool) {
        let mut column = 0;
        for part in &self.parts {
            multiply((team, simd), part, x, out, Place { stride: self.rows, column, adds });
            column += part.rows();
        }
        if let Some(bias) = &self.bias {
            for_each_chunk(team, out, self.rows, |_, row| simd.vectorise(|| add(row, bias)));
        }
    }
}
