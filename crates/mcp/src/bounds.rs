//! How much a server may send.
//!
//! A server is somebody else's program. Nothing here limits an honest one; each bound stops a broken or hostile one
//! before it costs memory or drowns a prompt.

/// Limits for what a server sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Bytes of one message. Images come in messages, as base64, so this is far more than any text.
    pub message_bytes: usize,
    /// Bytes that a program may write without answering anything: stray lines, notifications.
    pub unasked_bytes: usize,
    /// Characters of a result's text. What is over is cut, and the text says so.
    pub result_chars: usize,
    /// Tools of one server. A menu of hundreds cannot be chosen from.
    pub tools: usize,
    /// Pages in which a server may hand out its tools.
    pub pages: usize,
    /// Levels of a tool's schema.
    pub schema_depth: usize,
    /// Bytes of a tool's schema as JSON text.
    pub schema_bytes: usize,
    /// Characters of a tool's description.
    pub description_chars: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            message_bytes: 8 * 1024 * 1024,
            unasked_bytes: 16 * 1024 * 1024,
            result_chars: 200_000,
            tools: 256,
            pages: 64,
            schema_depth: 24,
            schema_bytes: 64 * 1024,
            description_chars: 8_000,
        }
    }
}
