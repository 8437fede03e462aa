//! What a request is about: the message without the words that only ask ("Please remember that …, okay?").
//!
//! What is left is the user's own wording, which the memory then keeps. Where nothing is left ("Remember that."), the
//! request points at what the user said before.

use std::sync::LazyLock;

use regex::Regex;

use super::Intent;
use super::intent::as_introduction;
use super::patterns::{List, lines, list, pattern, patterns};
use super::phrase::capitalised;
use super::words::{sentences, straighten, words};

/// What `text` wants to be written for `intent`; `before` is what the user said before it.
pub(super) fn payload(intent: Intent, text: &str, before: Option<&str>) -> String {
    let text = straighten(text.trim());
    let text = as_introduction(&text).unwrap_or(text);
    let kept = match intent {
        Intent::Archive => archived_part(&text),
        Intent::Correct => {
            let kept = stated_part(&text).replace(" actually ", " ");
            NO_LONGER.captures(&kept).map_or_else(|| kept.clone(), |found| found[1].to_owned())
        }
        Intent::Remember | Intent::Forget | Intent::Recall | Intent::Converse => stated_part(&text),
    };
    let asks_only = |kept: &str| words(kept).iter().all(|word| ARCHIVE_WORDS.contains(&word.as_str()));
    if points_back(&kept) || intent == Intent::Archive && asks_only(&kept) {
        // Without anything before it, a request is kept as it was said, so that it is not lost.
        before.map_or_else(|| text.clone(), |before| stated_part(&straighten(before.trim())))
    } else {
        kept
    }
}

/// Whether nothing but a pointer is left.
fn points_back(kept: &str) -> bool {
    words(kept).iter().all(|word| POINTERS.contains(&word.as_str()))
}

static POINTERS: List = list!("lists/pointers.txt");

/// The statement in a request: sentences that only ask, greet or thank are dropped, frames are taken off the others.
fn stated_part(text: &str) -> String {
    let all = sentences(text);
    let told: Vec<_> = all
        .iter()
        .map(|sentence| (unframed(sentence), sentence.ends_with('?')))
        .filter(|(sentence, _)| !points_back(sentence) && !says_nothing(sentence))
        .collect();
    // A question is kept only when nothing is told beside it: "Can you remember that I'm vegan?"
    let has_statement = told.iter().any(|(_, question)| !question);
    let mut kept: Vec<&str> =
        told.iter().filter(|(_, question)| !(has_statement && *question)).map(|(text, _)| text.as_str()).collect();
    if kept.len() > 1 {
        kept.retain(|sentence| !ASKS_ONLY.is_match(sentence));
    }
    kept.join(" ")
}

fn says_nothing(sentence: &str) -> bool {
    NOTHING.is_match(sentence)
}

/// A sentence without what asks before and after it.
fn unframed(sentence: &str) -> String {
    let mut rest = sentence.trim();
    while !CHANGE_TO.is_match(rest) {
        let shorter = FRAMES.iter().find_map(|frame| frame.find(rest).map(|found| &rest[found.end()..]));
        match shorter {
            Some(shorter) if shorter.len() < rest.len() && !shorter.trim().is_empty() => rest = shorter.trim_start(),
            _ => break,
        }
    }
    let mut rest = rest.to_owned();
    loop {
        let shorter = AFTER.replace(&rest, "");
        if shorter.len() == rest.len() || shorter.trim().is_empty() {
            break;
        }
        rest = shorter.into_owned();
    }
    as_statement(rest.trim_matches(|character: char| character.is_whitespace() || matches!(character, ',' | ':' | ';')))
}

/// Wishes and orders as statements: "to buy milk" is what the user needs, "call me Jo" what the user wants.
fn as_statement(rest: &str) -> String {
    if let Some(found) = CALL_ME.captures(rest) {
        return format!("I want to be called {}", &found[1]);
    }
    if let Some(found) = CALL_YOU.captures(rest) {
        return format!("your name is {}", &found[1]);
    }
    if let Some(found) = TO_DO.captures(rest) {
        let (not, verb, more) = (found.get(1).is_some(), &found[2], &found[3]);
        let lower = verb.to_lowercase();
        // "To answer in Polish" is for the assistant; "to call the tax office" is not, "to call me Jo" is.
        let of_speech = matches!(lower.as_str(), "answer" | "reply" | "respond" | "speak" | "be" | "format");
        let to_me = words(more).iter().any(|word| matches!(word.as_str(), "me" | "us"));
        let for_assistant = ASSISTANT_VERBS.contains(&lower.as_str()) && (of_speech || to_me);
        let who = if for_assistant { "you should" } else { "I need" };
        return match (who, not) {
            ("you should", false) => format!("you should {verb}{more}"),
            ("you should", true) => format!("you should not {verb}{more}"),
            (_, false) => format!("I need to {verb}{more}"),
            (_, true) => format!("I must not {verb}{more}"),
        };
    }
    if let Some(found) = ORDER.captures(rest) {
        let always = found.get(1).map_or("", |word| word.as_str()).to_lowercase();
        let always =
            if always.starts_with("don't") || always.starts_with("do not") { "not ".to_owned() } else { always };
        if ASSISTANT_VERBS.contains(&found[2].to_lowercase().as_str()) {
            return format!("you should {always}{}{}", &found[2].to_lowercase(), &found[3]);
        }
    }
    if let Some(found) = CHANGE_TO.captures(rest) {
        return format!("{} {} is {}", &found[1], &found[2], &found[3]);
    }
    rest.to_owned()
}

/// What an assistant is told to do, rather than what a person must not forget to do.
static ASSISTANT_VERBS: List = list!("lists/assistant_verbs.txt");

/// The text to archive: after the sentence or the words before a colon that ask for it.
fn archived_part(text: &str) -> String {
    if let Some((head, rest)) = text.split_once(':')
        && !rest.trim().is_empty()
        && head.split_whitespace().count() <= LONGEST_HEAD_WORDS
        && !head.contains(['.', '!', '?'])
        && words(head).iter().any(|word| ARCHIVE_WORDS.contains(&word.as_str()))
    {
        let what = head_topic(head);
        let rest = rest.trim();
        return if what.is_empty() { rest.to_owned() } else { format!("{}: {rest}", capitalised(&what)) };
    }
    let all = sentences(text);
    if let [first, .., last] = all.as_slice() {
        let asks = |sentence: &str| super::explicit_request(sentence).is_some() && head_topic(sentence).is_empty();
        if asks(first)
            || super::explicit_request(first).is_some() && sentences(first).len() == 1 && has_only_topic(first)
        {
            let at = text.find(first).map_or(0, |at| at + first.len());
            return text[at..].trim().to_owned();
        }
        if asks(last) {
            let at = text.rfind(last).unwrap_or(text.len());
            return text[..at].trim().to_owned();
        }
    }
    let kept = ARCHIVE_FRAME.replace(text, "");
    let kept = ARCHIVE_AFTER.replace(&kept, "");
    let kept = kept.trim();
    if kept.is_empty() { text.to_owned() } else { capitalised(kept) }
}

/// "Can you store the following in your archive?"
fn has_only_topic(sentence: &str) -> bool {
    words(sentence).iter().any(|word| matches!(word.as_str(), "following" | "this" | "these" | "that"))
        && sentence.split_whitespace().count() <= LONGEST_HEAD_WORDS
}

/// A longer text before a colon is not a request but a part of what is kept.
const LONGEST_HEAD_WORDS: usize = 16;

/// What a request names beside its words of asking: "an idea for my novel".
fn head_topic(head: &str) -> String {
    let tokens: Vec<&str> = head.split_whitespace().collect();
    let asks = |token: &&str| {
        let word = super::words::bare(token).to_lowercase();
        ARCHIVE_WORDS.contains(&word.as_str()) || word.is_empty()
    };
    let Some(start) = tokens.iter().position(|token| !asks(token)) else { return String::new() };
    // Trailing words of asking go, and a second request ("for later") with them.
    let mut end = tokens.len();
    while end > start && asks(&tokens[end - 1]) {
        end -= 1;
    }
    // "This meeting note" is a meeting note; "this note" is not a topic.
    let kind_of_text =
        |token: &&str| ["note", "notes", "text"].contains(&super::words::bare(token).to_lowercase().as_str());
    if end > start && tokens.get(end).is_some_and(kind_of_text) {
        end += 1;
    }
    tokens[start..end].join(" ").trim_end_matches(['.', ',', '?', '!']).to_owned()
}

static ARCHIVE_WORDS: List = list!("lists/archive_words.txt");

/// Taken off the front of a sentence, as often as one fits.
static FRAMES: LazyLock<Vec<Regex>> =
    LazyLock::new(|| lines(include_str!("lists/frames.txt")).into_iter().map(pattern).collect());

patterns! {
    /// Taken off the end of a sentence.
    AFTER = r"(?i)[\s,.;:!?-]*\b(?:(?:so |and |but )?(?:please |pls |just |do |can you |could you |will you |you should )*(?:(?:remember|note|memori[sz]e) (?:that|this|it)(?: down| please| for me| for later)*|keep (?:that|it|this) in mind|bear (?:that|it|this) in mind|make a (?:mental )?note(?: of (?:it|that|this))?|note (?:that |it |this )?down|(?:write|jot) (?:that|it|this) down|(?:don't|do not|dont) (?:ever )?forget(?: it| that| this)?|add (?:that|it|this) to your (?:notes|memory)|please update (?:that|it|your notes|your memory)|update (?:that|it|your notes|your memory)|for (?:the record|future reference)|just so you know|fyi|by the way|btw)|please|pls|thanks|thank you|thx|okay|ok|will you|would you|alright|got it)[\s.,!?]*$";
    /// Greets, thanks or comments, and tells nothing.
    NOTHING = r"(?i)^(?:hi|hello|hey|thanks|thank you|thx|please|ok|okay|sorry|yes|no|great|that's wrong|that is wrong|that's not right|that's incorrect|my mistake|my bad|oops|i made a mistake|i misspoke|correction|wait|actually|got it|just so you know|fyi)(?: there| again| earlier| before| about that)?[\s.,!?]*$";
    /// Asks for a change that another sentence states.
    ASKS_ONLY = r"(?i)^(?:please )?(?:update|change|fix|correct|edit|amend|adjust|replace) (?:my|our|your|that|this|it|the)\b";
    /// What is no longer so, before what is.
    NO_LONGER = r"(?i)^(?:(?:i|we|my|our|it|the) ?[^,.;]*?(?:no longer|don't|do not|am not|isn't|is not|are not|aren't)|i'm not|i'm no longer|it's not)\b[^,.;]*[,.;]\s*(?:but |and |now |instead )*((?:i|i'm|i've|we|we're|my|our|it's|he's|she's|they're)\b.*)$";
    /// A name to use.
    CALL_ME = r"(?i)^(?:(?:from now on|always|just),? )?(?:call|address) me (?:as )?(.+)$";
    /// A name for the assistant.
    CALL_YOU = r"(?i)^(?:from now on,? |now )?(?:i(?:'ll| will| am going to|'m going to| want to) call you|let me call you|your (?:new )?name (?:should|will) be|you(?: are|'re) (?:now )?called) (.+?)(?: from now on| now)?$";
    /// What is to be done.
    TO_DO = r"(?i)^(not )?to (\w+)(.*)$";
    /// What the assistant is to do.
    ORDER = r"(?i)^(?:from now on,? |in (?:the )?future,? )?(always |never |don't |do not |please )*(\w+)(.*)$";
    /// A new value for something of the user's.
    CHANGE_TO = r"(?i)^(?:update|change|set|edit|correct|switch|adjust) (my|our|the) ([^,.:]+?) (?:to(?: be)?|with|into) ([^,;]+)(?:[,;].*)?$";
    /// Words of asking before an archived text without a colon.
    ARCHIVE_FRAME = r"(?i)^(?:please |can you |could you |would you |hey,? |i want to |i'd like to |i would like to )*(?:save|store|archive|keep|put|file|log|record|stash|bookmark|add|write|hold on to|preserve)\b(?:\s+(?:this|that|the following|it|down|away|for (?:later|me|future use)|(?:in|into|to) (?:the |your |my )?(?:archive|archival memory|long[ -]term (?:memory|storage)|storage))\b)*[,:;.-]*\s*(?:that\s+)?";
    /// Words of asking after it.
    ARCHIVE_AFTER = r"(?i)[,;.]?\s+(?:please )?(?:(?:save|store|archive|keep|file) (?:this|that|it)(?: (?:for later|away|for me|please))*|for later|(?:in|into|to) (?:the |your |my )?(?:archive|archival memory|long[ -]term (?:memory|storage)))(?: please)?[.!?]*$";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(intent: Intent, text: &str, kept: &str) {
        assert_eq!(payload(intent, text, Some("My uncle has a farm.")), kept, "of {text:?}");
    }

    #[test]
    fn words_of_asking_are_taken_off() {
        for (text, kept) in [
            ("Remember I prefer dark mode.", "I prefer dark mode."),
            ("Hey, could you please remember that I'm vegan?", "I'm vegan?"),
            ("I'm vegetarian, keep that in mind.", "I'm vegetarian"),
            ("My name is Nick and I live in Oslo. Remember it.", "My name is Nick and I live in Oslo."),
            ("Hi! I'm Tess. What can you do?", "my name is Tess."),
            ("Don't forget that the rent is due on the 1st", "the rent is due on the 1st"),
            ("Please call me Jo", "I want to be called Jo"),
            ("Remember to buy milk", "I need to buy milk"),
            ("Remember to call the tax office", "I need to call the tax office"),
            ("Hey there, this is Paul", "my name is Paul"),
            ("Remind me to buy milk", "I need to buy milk"),
            ("Note to self: the car is on level 3", "the car is on level 3"),
            ("I just want you to remember that Carla comes at 9", "Carla comes at 9"),
            ("Remember to answer in Polish", "you should answer in Polish"),
            ("Always answer in metric units.", "you should always answer in metric units."),
            ("Make a mental note that Peter owes me 30.", "Peter owes me 30."),
            ("I'll call you Max", "your name is Max"),
            ("Remember that!", "My uncle has a farm."),
            ("Remember this: the shed code is 0707", "the shed code is 0707"),
            ("Remember Anna's birthday is on 4 May", "Anna's birthday is on 4 May"),
        ] {
            check(Intent::Remember, text, kept);
        }
    }

    #[test]
    fn a_correction_keeps_what_is_true_now() {
        for (text, kept) in [
            ("Actually my dentist is on Thursday, not Tuesday", "my dentist is on Thursday, not Tuesday"),
            ("That's wrong, I have two sisters.", "I have two sisters."),
            ("I no longer work at the bank, I'm at an insurance company now.", "I'm at an insurance company now."),
            ("Can you update my address? I live on Vine Street.", "I live on Vine Street."),
            ("Change my favourite drink to cider", "my favourite drink is cider"),
            ("Please change our wifi name to Attic, thanks, I renamed it", "our wifi name is Attic"),
            ("No wait, my dog's name is Max.", "my dog's name is Max."),
            ("I made a mistake, the party is on Saturday.", "the party is on Saturday."),
        ] {
            check(Intent::Correct, text, kept);
        }
    }

    #[test]
    fn an_archived_text_keeps_its_topic() {
        for (text, kept) in [
            ("Save this for later: brakes are good for a year.", "brakes are good for a year."),
            ("Save this recipe: boil the rice, add two eggs.", "Recipe: boil the rice, add two eggs."),
            ("Archive this please. Notes from Monday: all fine.", "Notes from Monday: all fine."),
            ("Buy bolts 8 mm. Save that for later.", "Buy bolts 8 mm."),
            ("Save this for later.", "My uncle has a farm."),
        ] {
            check(Intent::Archive, text, kept);
        }
    }
}
