//! GGUF files: what they say of themselves, checked before anything is allocated from it.
//!
//! candle reads the header; this adds what an untrusted file needs: the magic is looked at first, every tensor must
//! lie inside the file, every number has a limit with a reason, and a panic of the reader is an error. The format is
//! <https://github.com/ggml-org/ggml/blob/master/docs/gguf.md>.

mod hyperparameters;
mod summary;

use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use candle_core::Device;
use candle_core::quantized::GgmlDType;
use candle_core::quantized::gguf_file::{Content, TensorInfo, Value};

use crate::error::{LoadError, open, panic_message};
use crate::kernels::{BLOCK, Matrix};

pub(crate) use hyperparameters::{Architecture, Hyperparameters};
pub use summary::GgufSummary;

/// An opened GGUF file whose header has been read and whose tensors lie inside of it.
pub(crate) struct Gguf {
    path: PathBuf,
    reader: BufReader<File>,
    content: Content,
}

impl Gguf {
    /// Opens the file at `path` and checks its header.
    ///
    /// # Errors
    /// When it cannot be read, is not GGUF, is damaged or cut short.
    pub(crate) fn open(path: &Path) -> Result<Self, LoadError> {
        let mut reader = BufReader::new(open(path)?);
        let read_error = |source| LoadError::Read { path: path.to_owned(), source };
        let size = reader.seek(SeekFrom::End(0)).map_err(read_error)?;
        reader.rewind().map_err(read_error)?;
        let mut magic = Vec::with_capacity(4);
        reader.by_ref().take(4).read_to_end(&mut magic).map_err(read_error)?;
        if magic != *b"GGUF" {
            return Err(LoadError::Foreign { path: path.to_owned(), found: magic });
        }
        reader.rewind().map_err(read_error)?;
        let header_error = |message| LoadError::Header { path: path.to_owned(), message };
        // candle divides by the file's alignment, which may be zero in a crafted one.
        let content = catch_unwind(AssertUnwindSafe(|| Content::read(&mut reader)))
            .map_err(|panic| header_error(panic_message(&*panic)))?
            .map_err(|error| header_error(error.to_string()))?;
        let gguf = Self { path: path.to_owned(), reader, content };
        gguf.check_extents(size)?;
        Ok(gguf)
    }

    fn check_extents(&self, size: u64) -> Result<(), LoadError> {
        for (name, info) in &self.content.tensor_infos {
            let bytes = tensor_bytes(name, info)?;
            let end = self.content.tensor_data_offset.checked_add(info.offset).and_then(|at| at.checked_add(bytes));
            let needed = end.unwrap_or(u64::MAX);
            if needed > size {
                return Err(LoadError::Truncated { path: self.path.clone(), tensor: name.clone(), needed, size });
            }
        }
        Ok(())
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    fn value(&self, key: &str) -> Option<&Value> {
        self.content.metadata.get(key)
    }

    /// A text of the metadata.
    pub(crate) fn text(&self, key: &str) -> Option<&str> {
        text(self.value(key)?)
    }

    /// A whole number of the metadata that is not negative, of any width.
    pub(crate) fn integer(&self, key: &str) -> Option<u64> {
        integer(self.value(key)?)
    }

    /// A number of the metadata.
    pub(crate) fn float(&self, key: &str) -> Option<f32> {
        float(self.value(key)?)
    }

    /// A yes or no of the metadata.
    pub(crate) fn flag(&self, key: &str) -> Option<bool> {
        match self.value(key)? {
            Value::Bool(value) => Some(*value),
            _ => None,
        }
    }

    fn array(&self, key: &str) -> Option<&[Value]> {
        match self.value(key)? {
            Value::Array(values) => Some(values),
            _ => None,
        }
    }

    /// A list of texts.
    pub(crate) fn texts(&self, key: &str) -> Option<Vec<&str>> {
        self.array(key)?.iter().map(text).collect()
    }

    /// A list of whole numbers.
    pub(crate) fn integers(&self, key: &str) -> Option<Vec<u64>> {
        self.array(key)?.iter().map(integer).collect()
    }

    /// A list of numbers.
    pub(crate) fn floats(&self, key: &str) -> Option<Vec<f32>> {
        self.array(key)?.iter().map(float).collect()
    }

    /// How many texts or numbers a list has.
    pub(crate) fn length(&self, key: &str) -> Option<usize> {
        self.array(key).map(<[Value]>::len)
    }

    /// Whether the file has this tensor.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.content.tensor_infos.contains_key(name)
    }

    fn info(&self, name: &str, shape: &[usize]) -> Result<(GgmlDType, u64, u64), LoadError> {
        let problem = |problem: String| LoadError::Tensor { name: name.to_owned(), problem };
        let info = self.content.tensor_infos.get(name).ok_or_else(|| problem("is missing".to_owned()))?;
        if info.shape.dims() != shape {
            return Err(problem(format!("has the shape {:?}; the metadata asks for {shape:?}", info.shape.dims())));
        }
        let at = self.content.tensor_data_offset + info.offset;
        Ok((info.ggml_dtype, at, tensor_bytes(name, info)?))
    }

    /// The vector `name`, `(length)`.
    pub(crate) fn vector(&mut self, name: &str, length: usize) -> Result<Vec<f32>, LoadError> {
        self.info(name, &[length])?;
        let tensor = self.content.tensor(&mut self.reader, name, &Device::Cpu)?;
        Ok(tensor.dequantize(&Device::Cpu)?.to_vec1()?)
    }

    /// The matrix `name`, `(rows, columns)`, in one of the kernels' forms.
    pub(crate) fn matrix(&mut self, name: &str, rows: usize, columns: usize) -> Result<Matrix, LoadError> {
        let (kind, at, bytes) = self.info(name, &[rows, columns])?;
        if !columns.is_multiple_of(BLOCK) {
            let problem = format!("has rows of {columns}, which is not a whole number of blocks of {BLOCK}");
            return Err(LoadError::Tensor { name: name.to_owned(), problem });
        }
        let direct = match kind {
            GgmlDType::Q4_0 => Matrix::from_q4_0,
            GgmlDType::Q4_1 => Matrix::from_q4_1,
            GgmlDType::Q4K => Matrix::from_q4_k,
            GgmlDType::Q5_0 => Matrix::from_q5_0,
            GgmlDType::Q5_1 => Matrix::from_q5_1,
            GgmlDType::Q5K => Matrix::from_q5_k,
            GgmlDType::Q8_0 => Matrix::from_q8_0,
            GgmlDType::F16 => Matrix::half,
            GgmlDType::BF16 => Matrix::brain,
            GgmlDType::F32 => {
                let tensor = self.content.tensor(&mut self.reader, name, &Device::Cpu)?;
                let values = tensor.dequantize(&Device::Cpu)?.flatten_all()?.to_vec1::<f32>()?;
                return Ok(Matrix::single(rows, columns, &values));
            }
            _ => {
                let tensor = self.content.tensor(&mut self.reader, name, &Device::Cpu)?;
                let values = tensor.dequantize(&Device::Cpu)?.flatten_all()?.to_vec1::<f32>()?;
                return Ok(Matrix::from_f32(rows, columns, &values));
            }
        };
        let mut raw = vec![0u8; bytes as usize];
        let read_error = |source| LoadError::Read { path: self.path.clone(), source };
        self.reader.seek(SeekFrom::Start(at)).map_err(read_error)?;
        self.reader.read_exact(&mut raw).map_err(read_error)?;
        Ok(direct(rows, columns, &raw))
    }

    /// Weights of all tensors, and the bytes that the decoder keeps for them: those of four and five bits as they are
    /// but for the scales of super-blocks, the other quantised ones with eight and a half bits, and the rest as it is.
    pub(crate) fn weights(&self) -> (u64, u64) {
        self.content.tensor_infos.values().fold((0, 0), |(count, bytes), info| {
            let elements = info.shape.elem_count() as u64;
            let per_block = match info.ggml_dtype {
                GgmlDType::Q4_0 => 18,
                GgmlDType::Q4_1 | GgmlDType::Q4K => 20,
                GgmlDType::Q5_0 => 22,
                GgmlDType::Q5_1 | GgmlDType::Q5K => 24,
                GgmlDType::F16 | GgmlDType::BF16 => 64,
                GgmlDType::F32 => 128,
                _ => 34,
            };
            (count + elements, bytes + elements * per_block / BLOCK as u64)
        })
    }

    /// The type that most weights of the matrices have, as GGUF names it.
    pub(crate) fn quantisation(&self) -> String {
        let mut counts: Vec<(GgmlDType, usize)> = Vec::new();
        for info in self.content.tensor_infos.values() {
            match counts.iter_mut().find(|(kind, _)| *kind == info.ggml_dtype) {
                Some((_, count)) => *count += info.shape.elem_count(),
                None => counts.push((info.ggml_dtype, info.shape.elem_count())),
            }
        }
        let most = counts.into_iter().max_by_key(|(_, count)| *count);
        most.map_or_else(String::new, |(kind, _)| match kind {
            GgmlDType::Q2K => "Q2_K".to_owned(),
            GgmlDType::Q3K => "Q3_K".to_owned(),
            GgmlDType::Q4K => "Q4_K".to_owned(),
            GgmlDType::Q5K => "Q5_K".to_owned(),
            GgmlDType::Q6K => "Q6_K".to_owned(),
            GgmlDType::Q8K => "Q8_K".to_owned(),
            other => format!("{other:?}"),
        })
    }
}

fn text(value: &Value) -> Option<&str> {
    match value {
        Value::String(text) => Some(text),
        _ => None,
    }
}

fn float(value: &Value) -> Option<f32> {
    match value {
        Value::F32(value) => Some(*value),
        Value::F64(value) => Some(*value as f32),
        _ => None,
    }
}

fn integer(value: &Value) -> Option<u64> {
    match value {
        Value::U8(value) => Some(u64::from(*value)),
        Value::U16(value) => Some(u64::from(*value)),
        Value::U32(value) => Some(u64::from(*value)),
        Value::U64(value) => Some(*value),
        Value::I8(value) => u64::try_from(*value).ok(),
        Value::I16(value) => u64::try_from(*value).ok(),
        Value::I32(value) => u64::try_from(*value).ok(),
        Value::I64(value) => u64::try_from(*value).ok(),
        _ => None,
    }
}

fn tensor_bytes(name: &str, info: &TensorInfo) -> Result<u64, LoadError> {
    let elements = info.shape.dims().iter().try_fold(1u64, |product, size| product.checked_mul(*size as u64));
    let block = info.ggml_dtype.block_size() as u64;
    elements
        .filter(|elements| elements.is_multiple_of(block))
        .and_then(|elements| (elements / block).checked_mul(info.ggml_dtype.type_size() as u64))
        .ok_or_else(|| LoadError::Tensor {
            name: name.to_owned(),
            problem: format!("has the impossible shape {:?}", info.shape.dims()),
        })
}
