//! Vectors in, (id, score) out: exact scan
