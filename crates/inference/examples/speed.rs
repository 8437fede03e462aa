//! Prints how fast a GGUF model reads a prompt and writes an answer on this computer:
//! `cargo run --release -p resident-inference --example speed -- <file.gguf> [prompt tokens] [answer tokens]`.

#![expect(clippy::print_stdout, reason = "it prints its measurements")]

use std::path::Path;
use std::time::Instant;

use resident_agent::{Cancel, GenerateOptions, Guidance, LanguageModel, Progress, Prompt, PromptMessage, ToolChoice};
use resident_inference::{LoadOptions, LocalLanguageModel};
use resident_store::Role;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().ok_or("which GGUF file?")?;
    let prompt_tokens: usize = arguments.next().map_or(Ok(512), |text| text.parse())?;
    let answer_tokens: usize = arguments.next().map_or(Ok(128), |text| text.parse())?;

    let start = Instant::now();
    let model = LocalLanguageModel::load(
        Path::new(&path),
        "local/measured",
        "Measured",
        Guidance::None,
        LoadOptions { context_window_tokens: Some(prompt_tokens + answer_tokens + 512), ..LoadOptions::default() },
    )?;
    println!("loaded in {:.2} s", start.elapsed().as_secs_f64());

    for round in 0..3 {
        let mut text = format!("{round}. Tell me a long story.");
        while model.count_tokens(&text) < prompt_tokens {
            text.push_str(" It has a fox, a river, three bridges and a clock that runs backwards.");
        }
        let prompt = Prompt {
            messages: vec![PromptMessage::text(Role::User, text)],
            tool_choice: ToolChoice::None,
            ..Prompt::default()
        };
        let options = GenerateOptions { max_tokens: answer_tokens, temperature: 0.0, ..GenerateOptions::default() };
        let (start, mut read) = (Instant::now(), None);
        let generation = model.generate(&prompt, &options, &Cancel::default(), &mut |progress| {
            if let Progress::Reading { tokens, of } = progress
                && tokens == of
            {
                read = Some(start.elapsed());
            }
        })?;
        let (read, all) = (read.ok_or("the prompt was not read")?, start.elapsed());
        let evaluated = generation.usage.prompt_tokens - generation.usage.cached_tokens;
        let written = generation.usage.completion_tokens;
        println!(
            "read {evaluated} tokens at {:.0}/s, wrote {written} at {:.1}/s",
            evaluated as f64 / read.as_secs_f64(),
            written.saturating_sub(1) as f64 / (all - read).as_secs_f64(),
        );
        println!("  {}", generation.text.chars().take(160).collect::<String>().replace('\n', " "));
    }
    Ok(())
}
