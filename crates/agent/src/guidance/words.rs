//! Words of a message: folding, splitting, stop words, and a stem that is just good enough to compare two short texts.

/// `text` in lower case, with straight apostrophes and single spaces.
pub(super) fn fold(text: &str) -> String {
    straighten(text).to_lowercase().split_whitespace().collect::<Vec<_>>().join(" ")
}

/// `text` with typographic apostrophes and quotes made plain.
pub(super) fn straighten(text: &str) -> String {
    text.replace(['’', 'ʼ', '‘'], "'").replace(['“', '”'], "\"")
}

/// The words of `text`, folded, without punctuation around them; inner points, colons and hyphens stay ("7:45").
pub(super) fn words(text: &str) -> Vec<String> {
    fold(text).split(' ').map(|word| bare(word).to_owned()).filter(|word| !word.is_empty()).collect()
}

/// The sentences of `text` with their marks. A point after a title or a single letter ends none.
pub(super) fn sentences(text: &str) -> Vec<&str> {
    let mut sentences = Vec::new();
    let mut start = 0;
    for (at, character) in text.char_indices().filter(|(_, character)| character.is_whitespace()) {
        let before = text[start..at].trim();
        let ends = character == '\n'
            || before.ends_with(['!', '?'])
            || before.strip_suffix('.').is_some_and(|rest| !is_abbreviated(rest));
        if ends && !before.is_empty() {
            sentences.push(before);
            start = at;
        }
    }
    let last = text[start..].trim();
    if !last.is_empty() {
        sentences.push(last);
    }
    sentences
}

fn is_abbreviated(before_point: &str) -> bool {
    let word = bare(before_point.rsplit(char::is_whitespace).next().unwrap_or_default()).to_lowercase();
    word.chars().count() == 1 && word.chars().all(char::is_alphabetic) || ABBREVIATIONS.contains(&word.as_str())
}

const ABBREVIATIONS: &[&str] =
    &["dr", "mr", "mrs", "ms", "st", "prof", "no", "nr", "vs", "jr", "sr", "e.g", "i.e", "approx", "ca"];

/// A word without the punctuation around it.
pub(super) fn bare(word: &str) -> &str {
    word.trim_matches(|character: char| !character.is_alphanumeric())
}

/// Stems of the words of `text` in their order, without those that only hold a sentence together. Words that turn what is
/// said ("not", "used to") are among them.
pub(crate) fn word_sequence(text: &str) -> Vec<String> {
    const HOLDING: &[&str] = &[
        "a", "an", "the", "is", "are", "am", "be", "and", "of", "to", "that", "this", "user", "user's", "he", "she",
        "they",
    ];
    let words = words(text).into_iter();
    words.filter(|word| !HOLDING.contains(&word.as_str())).map(|word| stem(&word)).collect()
}

/// Stems of the words of `text` that carry meaning, each once, in their order.
pub(super) fn content_stems(text: &str) -> Vec<String> {
    let mut stems = Vec::new();
    for word in words(text).iter().filter(|word| !is_stop_word(word)) {
        let stem = stem(word);
        if !stems.contains(&stem) {
            stems.push(stem);
        }
    }
    stems
}

/// Whether a folded word says little about what a text is about.
pub(super) fn is_stop_word(word: &str) -> bool {
    STOP_WORDS.binary_search(&word).is_ok()
}

/// The share, 0 to 1, of `question`'s meaningful stems that stand in `text`.
pub(super) fn overlap(question: &[String], text: &str) -> f32 {
    if question.is_empty() {
        return 0.0;
    }
    let stems = content_stems(text);
    let shared = question.iter().filter(|stem| stems.contains(stem)).count();
    shared as f32 / question.len() as f32
}

/// Whether `text` has all that `line` is about.
pub(super) fn tells(text: &str, line: &str) -> bool {
    let stems = content_stems(line);
    !stems.is_empty() && overlap(&stems, text) >= 1.0
}

/// A word without its commonest endings, British spellings made American, a few family words made one.
pub(super) fn stem(word: &str) -> String {
    let word = word.strip_suffix("'s").unwrap_or(word);
    let same = match word {
        "dad" | "dads" | "father" | "daddy" => "father",
        "mum" | "mom" | "mums" | "moms" | "mother" | "mommy" | "mummy" => "mother",
        "kid" | "kids" | "children" => "child",
        "favourite" | "favourites" | "favorite" | "favorites" => "favorit",
        "colour" | "colours" | "color" | "colors" => "color",
        "met" | "meets" => "meet",
        "bought" => "buy",
        "sold" => "sell",
        "went" | "goes" => "go",
        "gave" | "given" => "give",
        "told" => "tell",
        "drove" => "drive",
        "ate" => "eat",
        "drank" => "drink",
        "spoke" | "spoken" => "speak",
        "wrote" => "write",
        "lent" => "lend",
        "paid" => "pay",
        "grew" => "grow",
        "came" => "come",
        "left" => "leave",
        "got" => "get",
        "made" => "make",
        "took" => "take",
        "lost" => "lose",
        "found" => "find",
        "began" => "begin",
        "taught" => "teach",
        "grandma" | "granny" | "nan" | "grandmother" => "grandmother",
        "grandpa" | "granddad" | "grandfather" => "grandfather",
        "bike" | "bikes" | "bicycles" => "bicycle",
        other => other,
    };
    for (ending, kept, at_least) in ENDINGS {
        if let Some(root) = same.strip_suffix(ending)
            && root.chars().count() >= *at_least
        {
            return undouble(&format!("{root}{kept}"));
        }
    }
    same.to_owned()
}

/// "planning" and "plan" share a stem.
fn undouble(root: &str) -> String {
    let mut characters = root.chars().rev();
    match (characters.next(), characters.next()) {
        (Some(last), Some(before)) if last == before && "bdgmnprt".contains(last) => {
            root[..root.len() - last.len_utf8()].to_owned()
        }
        _ => root.strip_suffix('e').unwrap_or(root).to_owned(),
    }
}

/// Ending, what stays of it, and the shortest root it is taken from.
const ENDINGS: &[(&str, &str, usize)] = &[
    ("ies", "y", 2),
    ("sses", "ss", 2),
    ("ing", "", 3),
    ("ers", "", 3),
    ("er", "", 4),
    ("ed", "", 3),
    ("es", "", 3),
    ("ss", "ss", 1),
    ("us", "us", 1),
    ("s", "", 3),
    ("e", "", 3),
];

/// Sorted, for the binary search.
const STOP_WORDS: &[&str] = &[
    "a", "about", "again", "all", "also", "am", "an", "and", "any", "anymore", "are", "as", "at", "be", "been", "but",
    "by", "can", "could", "did", "do", "does", "don't", "for", "from", "had", "has", "have", "he", "her", "his", "how",
    "i", "i'd", "i'm", "i've", "if", "in", "into", "is", "it", "it's", "its", "just", "me", "mine", "more", "my", "no",
    "not", "now", "of", "off", "on", "or", "our", "please", "she", "should", "so", "some", "than", "that", "that's",
    "the", "their", "them", "then", "there", "they", "thing", "this", "to", "too", "u", "us", "user", "user's", "was",
    "we", "were", "what", "what's", "whats", "when", "where", "which", "who", "whom", "whose", "why", "will", "with",
    "would", "you", "your",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stop_words_are_sorted() {
        assert!(STOP_WORDS.is_sorted());
    }

    #[test]
    fn forms_of_a_word_share_a_stem() {
        for (one, other) in [("studies", "studying"), ("parks", "park"), ("lives", "live"), ("plans", "planning")] {
            assert_eq!(stem(one), stem(other), "{one} and {other}");
        }
    }

    #[test]
    fn titles_do_not_end_a_sentence() {
        assert_eq!(sentences("Dr. Kim called. Twice!  Why?"), ["Dr. Kim called.", "Twice!", "Why?"]);
    }

    #[test]
    fn times_and_codes_stay_whole() {
        assert_eq!(words("At 7:45, \"tall-pines-88\"!"), ["at", "7:45", "tall-pines-88"]);
    }
}
