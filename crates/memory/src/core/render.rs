//! How blocks stand in a prompt: the V1 server's `<memory_blocks>` form, which models have seen.

use std::fmt::Write;

use resident_store::Block;

/// The blocks as text for the prompt, in the order given; empty where there are none.
pub fn render(blocks: &[Block]) -> String {
    if blocks.is_empty() {
        return String::new();
    }
    let rendered: Vec<String> = blocks.iter().map(render_block).collect();
    format!(
        "<memory_blocks>\nThe following memory blocks are currently engaged in your core memory unit:\n\n{}</memory_blocks>",
        rendered.join("\n")
    )
}

fn render_block(block: &Block) -> String {
    let Block { label, description, value, limit_chars, read_only, .. } = block;
    let mut text = format!("<{label}>\n<description>{description}</description>\n<metadata>\n");
    if *read_only {
        text.push_str("- read_only=true\n");
    }
    let chars = value.chars().count();
    write!(
        text,
        "- chars_current={chars}\n- chars_limit={limit_chars}\n</metadata>\n<value>{value}</value>\n</{label}>\n"
    )
    .expect("writing to a string does not fail");
    text
}
