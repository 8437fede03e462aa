//! Text of documents: what is text already, and what is in a PDF. A document comes from anywhere, so a reader that fails
//! on it, in whatever way, says so and harms nothing else.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::api::{ApiError, ErrorCode};

/// A document larger than this is refused.
pub(crate) const MOST_FILE_BYTES: usize = 16 * 1024 * 1024;

/// The media type of PDF.
const PDF: &str = "application/pdf";

/// Types by the ends of names, where a client does not say.
const TYPES: [(&str, &str); 22] = [
    ("txt", "text/plain"),
    ("text", "text/plain"),
    ("log", "text/plain"),
    ("md", "text/markdown"),
    ("markdown", "text/markdown"),
    ("mdx", "text/markdown"),
    ("csv", "text/csv"),
    ("tsv", "text/tab-separated-values"),
    ("json", "application/json"),
    ("jsonl", "application/jsonl"),
    ("xml", "application/xml"),
    ("yaml", "application/yaml"),
    ("yml", "application/yaml"),
    ("toml", "application/toml"),
    ("html", "text/html"),
    ("htm", "text/html"),
    ("rst", "text/x-rst"),
    ("py", "text/x-python"),
    ("js", "text/javascript"),
    ("ts", "text/typescript"),
    ("rs", "text/x-rust"),
    ("pdf", PDF),
];

/// Types that are text though their names do not begin so.
const TEXTS: [&str; 8] = [
    "application/json",
    "application/jsonl",
    "application/xml",
    "application/yaml",
    "application/x-yaml",
    "application/toml",
    "application/javascript",
    "application/x-ndjson",
];

/// The type of a document: by its name, or as the client says.
pub(crate) fn media_type(name: &str, said: Option<&str>) -> String {
    let ending = name.rsplit_once('.').map(|(_, ending)| ending.to_lowercase()).unwrap_or_default();
    let known = TYPES.iter().find(|(end, _)| *end == ending).map(|(_, kind)| (*kind).to_owned());
    let said = said.map(|kind| kind.split(';').next().unwrap_or_default().trim().to_lowercase());
    known.or(said.filter(|kind| !kind.is_empty())).unwrap_or_else(|| "application/octet-stream".to_owned())
}

/// The text of a document.
///
/// # Errors
/// When it is too large, of a type that is not read here, or not what it says it is.
pub(crate) fn text_of(name: &str, media_type: &str, bytes: &[u8]) -> Result<String, ApiError> {
    if bytes.len() > MOST_FILE_BYTES {
        let most = MOST_FILE_BYTES / (1024 * 1024);
        return Err(ApiError::new(ErrorCode::TooLong, format!("{name} is larger than {most} MB."))
            .with_hint("Split it, and add its parts."));
    }
    if media_type == PDF {
        return text_of_pdf(name, bytes);
    }
    if !is_text(media_type) {
        let error = ApiError::new(ErrorCode::Unsupported, format!("{name} is of the type {media_type}."));
        return Err(error.with_hint("Text, Markdown and PDF can be read."));
    }
    let text = std::str::from_utf8(bytes)
        .map_err(|_| ApiError::invalid(format!("{name} is not text in UTF-8.")).with_hint("Save it as UTF-8."))?;
    Ok(text.trim_start_matches('\u{feff}').replace('\0', ""))
}

fn is_text(media_type: &str) -> bool {
    media_type.starts_with("text/") || TEXTS.contains(&media_type)
}

fn text_of_pdf(name: &str, bytes: &[u8]) -> Result<String, ApiError> {
    let unread = |why: &str| {
        tracing::warn!(%name, %why, "a PDF could not be read");
        ApiError::invalid(format!("{name} is not a PDF that can be read.")).with_hint("Save its text, and add that.")
    };
    // The reader panics on some files that break the format.
    let read = catch_unwind(AssertUnwindSafe(|| pdf_extract::extract_text_from_mem(bytes)));
    let text = read.map_err(|_| unread("it broke its reader"))?.map_err(|error| unread(&error.to_string()))?;
    if text.trim().is_empty() {
        let error = ApiError::invalid(format!("{name} has no text in it."));
        return Err(error.with_hint("A scanned document has to be recognised first."));
    }
    Ok(text.replace('\0', ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_read_and_what_only_says_so_is_refused() {
        assert_eq!(text_of("a.txt", "text/plain", "\u{feff}Tea.".as_bytes()).unwrap(), "Tea.");
        assert!(text_of("a.txt", "text/plain", &[0xff, 0xfe, 0x00]).is_err());
        assert_eq!(text_of("a.png", "image/png", b"x").unwrap_err().code, ErrorCode::Unsupported);
        for broken in
            [&b"%PDF-1.7\nnot really"[..], b"", b"%PDF-1.4\n1 0 obj\n<< /Type /Catalog >>\nendobj\ntrailer\n<<>>"]
        {
            assert!(text_of("a.pdf", PDF, broken).is_err());
        }
    }

    #[test]
    fn a_name_tells_more_than_what_a_client_guesses() {
        assert_eq!(media_type("notes.md", Some("application/octet-stream")), "text/markdown");
        assert_eq!(media_type("upload", Some("text/plain; charset=utf-8")), "text/plain");
        assert_eq!(media_type("upload", None), "application/octet-stream");
    }
}
