//! Answers of the default language model.

use std::time::{Duration, Instant};

use resident_agent::{Cancel, Finish, GenerateOptions, LanguageModel, ModelError, Progress, PromptMessage};
use resident_store::Role;

use crate::models::{fresh_model, generate, greedy, model, question};

#[test]
fn it_knows_the_capital_of_france() {
    let (generation, reported) =
        generate(model(), &question("You are a helpful assistant.", "What is the capital of France?"), &greedy(32))
            .unwrap();
    assert!(generation.text.contains("Paris"), "{}", generation.text);
    assert_eq!(generation.finish, Finish::Stop);
    let streamed: String = reported
        .iter()
        .filter_map(|progress| match progress {
            Progress::Text(text) => Some(text.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!(streamed, generation.text, "the pieces make up the text");
    assert!(matches!(reported.first(), Some(Progress::Reading { tokens, of }) if tokens <= of));
}

#[test]
fn greedy_decoding_is_reproducible_with_and_without_the_cache() {
    let prompt = question("You are a helpful assistant.", "Name three rivers of Europe and where they end.");
    let (first, _) = generate(model(), &prompt, &greedy(64)).unwrap();
    let (second, _) = generate(model(), &prompt, &greedy(64)).unwrap();
    let (cold, _) = generate(&fresh_model(), &prompt, &greedy(64)).unwrap();
    assert_eq!(first.text, second.text);
    assert_eq!(first.text, cold.text);
    assert_eq!(cold.usage.cached_tokens, 0);
    assert_eq!(second.usage.cached_tokens, second.usage.prompt_tokens - 1, "all but the token before the answer");
}

#[test]
fn a_reused_prefix_gives_the_tokens_of_a_cold_run() {
    let system = "You are a helpful assistant who answers shortly. ".repeat(12);
    let mut prompt = question(&system, "Tell me something about whales.");
    let options = GenerateOptions { max_tokens: 48, seed: 7, ..GenerateOptions::default() };
    let warm_model = fresh_model();
    for next in ["And about sharks?", "Which of them is larger?"] {
        let (answer, _) = generate(&warm_model, &prompt, &options).unwrap();
        prompt.messages.push(PromptMessage::text(Role::Assistant, answer.text));
        prompt.messages.push(PromptMessage::text(Role::User, next));
    }
    let (warm, _) = generate(&warm_model, &prompt, &options).unwrap();
    let (cold, _) = generate(&fresh_model(), &prompt, &options).unwrap();
    assert!(warm.usage.cached_tokens > 120, "{:?}", warm.usage);
    assert_eq!(cold.usage.cached_tokens, 0);
    assert_eq!(warm.text, cold.text);
}

#[test]
fn the_same_seed_writes_the_same_text_and_another_another() {
    let prompt = question("You are a poet.", "Write a line about the sea.");
    let with_seed = |seed| {
        let options = GenerateOptions { max_tokens: 40, temperature: 1.0, seed, ..GenerateOptions::default() };
        generate(model(), &prompt, &options).unwrap().0.text
    };
    assert_eq!(with_seed(1), with_seed(1));
    assert_ne!(with_seed(1), with_seed(2));
}

#[test]
fn it_stops_before_a_stop_string_and_at_the_limit() {
    let prompt = question("You are a helpful assistant.", "Count from one to ten in words.");
    let (whole, _) = generate(model(), &prompt, &greedy(60)).unwrap();
    let stop: String = whole.text.chars().skip(12).take(5).collect();
    let options = GenerateOptions { stop: vec![stop.clone()], ..greedy(60) };
    let (stopped, _) = generate(model(), &prompt, &options).unwrap();
    assert_eq!(stopped.text, whole.text[..whole.text.find(&stop).unwrap()].to_owned());
    assert_eq!(stopped.finish, Finish::Stop);
    let (short, _) = generate(model(), &prompt, &greedy(5)).unwrap();
    assert_eq!(short.finish, Finish::Length);
    assert_eq!(short.usage.completion_tokens, 5);
}

#[test]
fn a_cancelled_answer_keeps_its_text_and_the_model_goes_on() {
    let prompt = question("You are a storyteller.", "Tell me a long story about a lighthouse.");
    let cancel = Cancel::default();
    let mut pieces = 0;
    let generation = model()
        .generate(&prompt, &greedy(400), &cancel, &mut |progress| {
            if matches!(progress, Progress::Text(_)) {
                pieces += 1;
                if pieces == 5 {
                    cancel.cancel();
                }
            }
        })
        .unwrap();
    assert_eq!(generation.finish, Finish::Cancelled);
    assert!(!generation.text.is_empty());
    assert!(generation.usage.completion_tokens < 40, "{:?}", generation.usage);
    assert!(generate(model(), &prompt, &greedy(4)).is_ok());
}

#[test]
fn a_prompt_is_cancelled_between_its_batches() {
    let prompt = question("", &"The quick brown fox jumps over the lazy dog. ".repeat(300));
    let cancel = Cancel::default();
    let mut read = 0;
    let generation = fresh_model()
        .generate(&prompt, &greedy(16), &cancel, &mut |progress| {
            if let Progress::Reading { tokens, of } = progress {
                assert!(tokens <= of);
                read = tokens;
                cancel.cancel();
            }
        })
        .unwrap();
    assert_eq!(generation.finish, Finish::Cancelled);
    assert!(generation.text.is_empty());
    assert!(read > 0 && read < 1_000, "{read}");
}

#[test]
fn an_answer_is_not_held_up_by_a_cancelled_one() {
    let long = question("You are a storyteller.", "Tell me a long story about a lighthouse.");
    let cancel = Cancel::default();
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| model().generate(&long, &greedy(2_000), &cancel, &mut |_| ()).unwrap());
        std::thread::sleep(Duration::from_millis(300));
        cancel.cancel();
        let asked = Instant::now();
        assert_eq!(writer.join().unwrap().finish, Finish::Cancelled);
        assert!(asked.elapsed() < Duration::from_secs(5));
    });
}

#[test]
fn a_prompt_that_does_not_fit_is_refused_with_its_size() {
    let prompt = question("", &"word ".repeat(9_000));
    match generate(model(), &prompt, &greedy(16)) {
        Err(ModelError::PromptTooLong { model, prompt_tokens, context_window_tokens }) => {
            assert_eq!(model, "local/smollm2");
            assert_eq!(context_window_tokens, 8_192);
            assert!(prompt_tokens > 9_000);
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_prompt_takes_the_tokens_that_it_was_counted_to_take() {
    let prompt = question("You are a helpful assistant.", "Grüße! 你好 🦀 <|im_end|> 12345");
    let (generation, _) = generate(model(), &prompt, &greedy(2)).unwrap();
    assert_eq!(generation.usage.prompt_tokens, model().count_prompt_tokens(&prompt));
}
