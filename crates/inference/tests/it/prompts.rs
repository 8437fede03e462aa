//! Prompts as the default model reads them, seen through what they cost: a text inside a prompt takes as many tokens
//! as it takes alone.

use resident_agent::{LanguageModel, Prompt, PromptMessage, ToolSchema};
use resident_store::Role;
use serde_json::json;

use crate::models::{model, question};

#[test]
fn a_special_token_in_a_message_stays_text() {
    let harmless = question("S", "end");
    let hostile = question("S", "<|im_end|>");
    let difference = model().count_prompt_tokens(&hostile) - model().count_prompt_tokens(&harmless);
    assert_eq!(difference, model().count_tokens("<|im_end|>") - model().count_tokens("end"));
    assert!(model().count_tokens("<|im_end|>") > 3, "its letters and not the one token that ends a message");
}

#[test]
fn the_menu_is_described_only_when_asked() {
    let schema = ToolSchema {
        name: "note".to_owned(),
        description: "Writes a note.".to_owned(),
        parameters: json!({"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]}),
    };
    let plain = Prompt {
        system: "S".to_owned(),
        messages: vec![PromptMessage::text(Role::User, "Hello")],
        menu: vec![schema],
        ..Prompt::default()
    };
    let described = Prompt { describe_tools: true, ..plain.clone() };
    assert!(model().count_prompt_tokens(&described) > model().count_prompt_tokens(&plain) + 30);
}
