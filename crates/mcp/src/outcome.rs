//! What a call came to, as text that a model reads.
//!
//! A result has parts. Texts are joined; of what is no text (images, sounds, files) the model is told that it is there
//! and what it is. A result without parts that has structured content gives that, as JSON.

use rmcp::model::{CallToolResult, ContentBlock, ErrorData, ResourceContents};

use crate::Bounds;

/// What a call came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The result's text, or what the server says went wrong.
    pub text: String,
    /// Whether the tool failed, as the server says.
    pub failed: bool,
}

impl Outcome {
    pub(crate) fn of(result: CallToolResult, bounds: &Bounds) -> Self {
        let failed = result.is_error == Some(true);
        let text = match result.structured_content {
            Some(value) if result.content.is_empty() => value.to_string(),
            _ => result.content.into_iter().map(part).collect::<Vec<_>>().join("\n"),
        };
        Self { text: cut(text, bounds.result_chars), failed }
    }

    /// The server answered with an error of the protocol: it does not know the tool, or not its arguments so.
    pub(crate) fn refused(error: &ErrorData, bounds: &Bounds) -> Self {
        let text = format!("error {}: {}", error.code.0, error.message);
        Self { text: cut(text, bounds.result_chars), failed: true }
    }
}

fn part(block: ContentBlock) -> String {
    match block {
        ContentBlock::Text(text) => text.text,
        ContentBlock::Image(image) => named("an image", &image.mime_type, image.data.len()),
        ContentBlock::Audio(audio) => named("a sound", &audio.mime_type, audio.data.len()),
        ContentBlock::Resource(embedded) => match embedded.resource {
            ResourceContents::TextResourceContents { uri, text, .. } => format!("{uri}:\n{text}"),
            ResourceContents::BlobResourceContents { uri, mime_type, blob, .. } => {
                let kind = mime_type.unwrap_or_else(|| "unknown type".to_owned());
                named(&format!("the file {uri}"), &kind, blob.len())
            }
            // The SDK keeps its enums open, for versions of the protocol to come.
            _ => "[a file of a kind that is not known, which is not shown]".to_owned(),
        },
        ContentBlock::ResourceLink(link) => format!("[a link to {}: {}]", link.name, link.uri),
        _ => "[a part of a kind that is not known, which is not shown]".to_owned(),
    }
}

/// A part that is no text. `base64` is the length of its base64 form.
fn named(what: &str, kind: &str, base64: usize) -> String {
    format!("[{what} ({kind}, {} bytes), which is not shown]", base64 / 4 * 3)
}

fn cut(text: String, most: usize) -> String {
    let chars = text.chars().count();
    if chars <= most {
        return text;
    }
    let kept: String = text.chars().take(most).collect();
    format!("{kept}\n[cut here: {most} of {chars} characters]")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn check(result: Value, text: &str, failed: bool) {
        let result: CallToolResult = serde_json::from_value(result).expect("a result");
        let outcome = Outcome::of(result, &Bounds { result_chars: 60, ..Bounds::default() });
        assert_eq!(outcome, Outcome { text: text.to_owned(), failed });
    }

    #[test]
    fn texts_are_joined_and_the_rest_is_named() {
        check(json!({"content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}), "a\nb", false);
        check(json!({"content": [], "isError": true}), "", true);
        check(json!({"content": [], "structuredContent": {"n": 1}}), r#"{"n":1}"#, false);
        let image = json!({"type": "image", "mimeType": "image/png", "data": "AAAA"});
        check(json!({"content": [image]}), "[an image (image/png, 3 bytes), which is not shown]", false);
        let link = json!({"type": "resource_link", "name": "notes", "uri": "file:///n"});
        check(json!({"content": [link]}), "[a link to notes: file:///n]", false);
        let file = json!({"type": "resource", "resource": {"uri": "file:///n", "text": "hello"}});
        check(json!({"content": [file]}), "file:///n:\nhello", false);
        let long = json!({"content": [{"type": "text", "text": "é".repeat(70)}]});
        check(long, &format!("{}\n[cut here: 60 of 70 characters]", "é".repeat(60)), false);
    }
}
