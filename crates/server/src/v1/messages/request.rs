//! What a client asks with: one or more messages, or its word on calls that wait.

use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

use super::shape::Wanted;
use crate::error::Problem;

/// Who says a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, serde::Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(in crate::v1) enum Speaker {
    /// The person.
    User,
    /// An event, told to the agent.
    System,
    /// The agent, as the client would have it.
    Assistant,
}

/// What is said: text, or parts of which the text counts.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(untagged)]
pub(in crate::v1) enum Content {
    Text(String),
    #[schema(value_type = Vec<Object>)]
    Parts(Vec<Value>),
}

impl Content {
    /// The text of it.
    ///
    /// # Errors
    /// When there is a part that is not text: what a model here could not read is refused, not dropped.
    fn text(&self) -> Result<String, Problem> {
        match self {
            Self::Text(text) => Ok(text.clone()),
            Self::Parts(parts) => {
                let texts = parts.iter().map(|part| match (part["type"].as_str(), part["text"].as_str()) {
                    (Some("text") | None, Some(text)) => Ok(text),
                    (kind, _) => Err(Problem::invalid(
                        &["body", "messages", "content"],
                        format!("a part of type `{}` cannot be read; send text", kind.unwrap_or("unknown")),
                    )),
                });
                Ok(texts.collect::<Result<Vec<_>, _>>()?.join("\n"))
            }
        }
    }
}

/// One message of a request.
#[derive(Debug, Clone, Deserialize, ToSchema)]
pub(in crate::v1) struct MessageIn {
    /// `message`, `approval` or `tool_return`.
    #[serde(rename = "type")]
    kind: Option<String>,
    role: Option<Speaker>,
    content: Option<Content>,
    otid: Option<String>,
    sender_id: Option<String>,
    /// The client's word on each call that waits.
    approvals: Option<Vec<ApprovalIn>>,
    tool_returns: Option<Vec<ApprovalIn>>,
    /// V1's older form: one word for the one call that waits.
    approve: Option<bool>,
    /// The message in which the call was asked for; there is never more than one.
    #[serde(rename = "approval_request_id")]
    _approval_request_id: Option<String>,
    reason: Option<String>,
}

/// The client's word on one call: whether it may run, or what came of it where the client ran it.
#[derive(Debug, Clone, Deserialize, ToSchema)]
pub(in crate::v1) struct ApprovalIn {
    #[serde(rename = "type")]
    kind: Option<String>,
    tool_call_id: String,
    approve: Option<bool>,
    reason: Option<String>,
    #[schema(value_type = Option<Object>)]
    tool_return: Option<Value>,
    status: Option<String>,
}

/// A request for a turn.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
pub(in crate::v1) struct MessageRequest {
    messages: Option<Vec<MessageIn>>,
    /// What the user says, in short.
    input: Option<Content>,
    pub(in crate::v1) max_steps: Option<usize>,
    pub(in crate::v1) streaming: Option<bool>,
    pub(in crate::v1) stream_tokens: Option<bool>,
    pub(in crate::v1) include_pings: Option<bool>,
    pub(in crate::v1) background: Option<bool>,
    use_assistant_message: Option<bool>,
    include_return_message_types: Option<Vec<String>>,
    pub(in crate::v1) override_model: Option<String>,
    pub(in crate::v1) override_system: Option<String>,
    #[schema(value_type = Option<Vec<Object>>)]
    pub(in crate::v1) client_tools: Option<Vec<Value>>,
}

/// A message of a request, read.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::v1) struct Said {
    pub(in crate::v1) role: Speaker,
    pub(in crate::v1) text: String,
    pub(in crate::v1) otid: Option<String>,
    pub(in crate::v1) sender_id: Option<String>,
}

/// The client's word on a call.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::v1) struct Word {
    /// The call; the one that waits when left out.
    pub(in crate::v1) tool_call_id: Option<String>,
    pub(in crate::v1) what: Decided,
}

/// What is decided of a call.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::v1) enum Decided {
    Allowed,
    Refused(Option<String>),
    Returned { text: String, failed: bool },
}

/// What a request is about.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::v1) enum Asking {
    Say(Vec<Said>),
    /// Word on the calls that wait, and what is said besides.
    Decide(Vec<Word>, Vec<Said>),
}

impl MessageRequest {
    /// How the client wants the answer.
    pub(in crate::v1) fn wanted(&self) -> Wanted {
        Wanted {
            spoken: self.use_assistant_message != Some(false),
            kinds: self.include_return_message_types.clone(),
            pieces: self.stream_tokens == Some(true),
        }
    }

    /// What it asks.
    pub(in crate::v1) fn asking(&self) -> Result<Asking, Problem> {
        let place = ["body", "messages"];
        let messages = match (&self.messages, &self.input) {
            (Some(_), Some(_)) => return Err(Problem::invalid(&place, "send `messages` or `input`, not both")),
            (None, None) => return Err(Problem::invalid(&place, "send `messages` or `input`")),
            (Some(messages), None) => messages,
            (None, Some(input)) => {
                let said = Said { role: Speaker::User, text: input.text()?, otid: None, sender_id: None };
                return nonempty(vec![said]);
            }
        };
        let decides = |message: &&MessageIn| matches!(message.kind.as_deref(), Some("approval" | "tool_return"));
        let (words, said): (Vec<&MessageIn>, Vec<&MessageIn>) = messages.iter().partition(decides);
        let said = said.into_iter().map(MessageIn::said).collect::<Result<Vec<_>, _>>()?;
        match words.as_slice() {
            [] => nonempty(said),
            [only] if messages.first().is_some_and(|first| decides(&first)) => Ok(Asking::Decide(only.words()?, said)),
            _ => Err(Problem::invalid(&place, "word on waiting calls is one message, and the first")),
        }
    }

    /// The same for a request and its retries: what the client calls its messages, or what they are.
    pub(in crate::v1) fn key(&self, thread: &str, body: &[u8]) -> String {
        let otids: Vec<&str> = self.messages.iter().flatten().filter_map(|message| message.otid.as_deref()).collect();
        let mut hash = Sha256::new();
        hash.update(thread.as_bytes());
        hash.update([0]);
        if otids.is_empty() {
            hash.update(body)
        } else {
            hash.update(otids.join("\0").as_bytes())
        }
        hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Whether the client gave its messages names of its own.
    pub(in crate::v1) fn is_named(&self) -> bool {
        self.messages.iter().flatten().any(|message| message.otid.is_some())
    }
}

fn nonempty(said: Vec<Said>) -> Result<Asking, Problem> {
    if said.is_empty() || said.iter().all(|message| message.text.trim().is_empty()) {
        return Err(Problem::invalid(&["body", "messages"], "there is nothing in it to answer"));
    }
    Ok(Asking::Say(said))
}

impl MessageIn {
    fn said(&self) -> Result<Said, Problem> {
        let text = self.content.as_ref().map(Content::text).transpose()?.unwrap_or_default();
        let role = self.role.unwrap_or(Speaker::User);
        Ok(Said { role, text, otid: self.otid.clone(), sender_id: self.sender_id.clone() })
    }

    fn words(&self) -> Result<Vec<Word>, Problem> {
        let listed = self.approvals.iter().chain(&self.tool_returns).flatten();
        let mut words: Vec<Word> = listed.map(ApprovalIn::word).collect();
        if words.is_empty() {
            let Some(approve) = self.approve else {
                return Err(Problem::invalid(&["body", "messages", "0", "approvals"], "there is no word on any call"));
            };
            let what = if approve { Decided::Allowed } else { Decided::Refused(self.reason.clone()) };
            words.push(Word { tool_call_id: None, what });
        }
        Ok(words)
    }
}

impl ApprovalIn {
    fn word(&self) -> Word {
        let what = match (&self.tool_return, self.approve) {
            (Some(result), _) if self.kind.as_deref() != Some("approval") => {
                let text = result.as_str().map_or_else(|| result.to_string(), str::to_owned);
                Decided::Returned { text, failed: self.status.as_deref() == Some("error") }
            }
            (_, Some(true)) => Decided::Allowed,
            (_, Some(false) | None) => Decided::Refused(self.reason.clone()),
        };
        Word { tool_call_id: Some(self.tool_call_id.clone()), what }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(body: Value) -> MessageRequest {
        serde_json::from_value(body).unwrap()
    }

    #[test]
    fn what_is_said_comes_as_text_or_parts() {
        let text = read(json!({ "messages": [{ "role": "user", "content": "Hello" }] }));
        let parts = read(json!({ "messages": [{ "role": "user", "content": [{ "type": "text", "text": "Hello" }] }] }));
        let input = read(json!({ "input": "Hello" }));
        for request in [text, parts, input] {
            let Asking::Say(said) = request.asking().unwrap() else { panic!("it says something") };
            assert_eq!((said[0].role, said[0].text.as_str()), (Speaker::User, "Hello"));
        }
    }

    #[test]
    fn nothing_to_answer_is_refused() {
        for body in [
            json!({}),
            json!({ "messages": [] }),
            json!({ "messages": [{ "role": "user", "content": "  " }] }),
            json!({ "messages": [{ "role": "user", "content": [{ "type": "image", "source": {} }] }] }),
        ] {
            assert_eq!(read(body.clone()).asking().unwrap_err().status, 422, "{body}");
        }
    }

    #[test]
    fn a_word_on_calls_is_read_in_every_form() {
        let allowed =
            read(json!({ "messages": [{ "type": "approval", "approve": true, "approval_request_id": "message-1" }] }));
        assert_eq!(
            allowed.asking().unwrap(),
            Asking::Decide(vec![Word { tool_call_id: None, what: Decided::Allowed }], Vec::new())
        );
        let listed = read(json!({ "messages": [{ "type": "approval", "approvals": [
            { "type": "approval", "tool_call_id": "a", "approve": false, "reason": "no" },
            { "type": "tool", "tool_call_id": "b", "tool_return": "42", "status": "success" },
        ] }] }));
        let Asking::Decide(words, _) = listed.asking().unwrap() else { panic!("it decides") };
        assert_eq!(words[0].what, Decided::Refused(Some("no".to_owned())));
        assert_eq!(words[1].what, Decided::Returned { text: "42".to_owned(), failed: false });
    }

    #[test]
    fn a_retry_has_the_key_of_its_request_and_another_request_has_not() {
        let request = read(json!({ "messages": [{ "role": "user", "content": "Hello" }] }));
        assert_eq!(request.key("agent-1", b"x"), request.key("agent-1", b"x"));
        assert_ne!(request.key("agent-1", b"x"), request.key("agent-2", b"x"));
        assert_ne!(request.key("agent-1", b"x"), request.key("agent-1", b"y"));
        let named = read(json!({ "messages": [{ "role": "user", "content": "Hello", "otid": "one" }] }));
        assert_eq!(named.key("agent-1", b"x"), named.key("agent-1", b"y"));
    }
}
