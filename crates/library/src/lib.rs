//! The model library: manifest, download, verify, hardware fit
