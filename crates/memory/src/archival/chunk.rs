//! Cuts long text into pieces that an embedder reads whole, at the ends of paragraphs and sentences where there are any.
//!
//! Neighbouring pieces overlap by a sentence or so, because a fact that straddles a cut would otherwise be found by
//! neither. Every character of the text is in some piece, but for white space at the cuts.

/// The longest piece, in characters. MiniLM reads 256 tokens, about four characters each in English.
pub(crate) const LONGEST_PIECE: usize = 1_000;

/// How far a piece may reach back into the one before it, in characters.
const OVERLAP: usize = 160;

/// The shortest piece but the last, in characters, so that none is much shorter than the others for the sake of a
/// paragraph's end. More than [`OVERLAP`], so that every piece brings something new.
const SHORTEST_PIECE: usize = 400;

/// The pieces of `text`, in its order, each trimmed and none empty.
pub(crate) fn chunks(text: &str) -> Vec<&str> {
    let text = text.trim();
    let mut pieces = Vec::new();
    let mut start = 0;
    while let Some(window) = window(&text[start..], LONGEST_PIECE) {
        let end = start + cut(&text[start..], window);
        pieces.push(text[start..end].trim());
        start = overlap_start(text, start, end);
    }
    pieces.push(text[start..].trim());
    pieces.retain(|piece| !piece.is_empty());
    pieces
}

/// The byte length of the first `chars` characters of `rest`; `None` when it has no more than that.
fn window(rest: &str, chars: usize) -> Option<usize> {
    rest.char_indices().nth(chars).map(|(offset, _)| offset)
}

/// Where to end a piece that begins with `rest` and may be `window` bytes long: after a paragraph, else a sentence,
/// else a line, else a word, else anywhere.
fn cut(rest: &str, window: usize) -> usize {
    let shortest = self::window(rest, SHORTEST_PIECE).unwrap_or(window);
    let tail = &rest[shortest..window];
    let ends = [
        tail.rfind("\n\n"),
        sentence_ends(&rest[shortest..], tail.len()).last(),
        tail.rfind('\n'),
        tail.rfind(char::is_whitespace),
    ];
    ends.into_iter().flatten().find(|end| *end > 0).map_or(window, |end| shortest + end)
}

/// Where the next piece begins: at the first sentence, else the first word, of the last [`OVERLAP`] characters.
fn overlap_start(text: &str, start: usize, end: usize) -> usize {
    let from = text[..end].char_indices().rev().nth(OVERLAP).map_or(0, |(offset, _)| offset).max(start + 1);
    let from = text.ceil_char_boundary(from);
    let tail = &text[from..end];
    let sentence = sentence_ends(tail, tail.len()).next();
    let word = || tail.find(char::is_whitespace);
    match sentence.or_else(word) {
        Some(offset) if !tail[offset..].trim().is_empty() => from + offset,
        Some(_) | None => end,
    }
}

/// The offsets up to `limit` at which a sentence of `text` is over: after its full stop, before the white space.
fn sentence_ends(text: &str, limit: usize) -> impl Iterator<Item = usize> + '_ {
    text[..limit].char_indices().filter_map(move |(offset, character)| {
        let end = offset + character.len_utf8();
        let over = match character {
            '.' | '!' | '?' | '…' => text[end..].starts_with(char::is_whitespace),
            '。' | '！' | '？' => true,
            _ => false,
        };
        over.then_some(end)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{LONGEST_PIECE, chunks};

    #[test]
    fn a_short_text_is_one_piece() {
        assert_eq!(chunks("  likes tea \n"), ["likes tea"]);
        assert!(chunks(" \n ").is_empty());
    }

    #[test]
    fn pieces_end_with_sentences_and_overlap() {
        let text = (0..60).map(|n| format!("Sentence number {n} says a little something. ")).collect::<String>();
        let pieces = chunks(&text);
        assert!(pieces.len() > 2);
        for pair in pieces.windows(2) {
            assert!(pair[0].ends_with("something."), "{:?}", pair[0]);
            assert!(pair[1].starts_with("Sentence number"), "{:?}", pair[1]);
            let first = &pair[1][..pair[1].find('.').unwrap()];
            assert!(pair[0].contains(first), "the next piece begins inside the one before it");
        }
    }

    #[test]
    fn paragraphs_are_kept_together_where_they_fit() {
        let text = format!("{}\n\n{}", "one ".repeat(150).trim(), "two ".repeat(200).trim());
        let pieces = chunks(&text);
        assert!(pieces[0].ends_with("one") && !pieces[0].contains("two"), "{pieces:?}");
    }

    fn word() -> impl Strategy<Value = String> {
        let short = prop::sample::select(vec!["a", "tea", "Tea!", "end.", "r\u{e9}sum\u{e9}", "何か。", "\n\n", "\n"]);
        let long = (1..60_usize, prop::sample::select(vec!["x", "\u{e9}", "日"])).prop_map(|(n, s)| s.repeat(n * n));
        prop_oneof![40 => short.prop_map(str::to_owned), 1 => long]
    }

    proptest! {
        #[test]
        fn every_word_is_in_a_piece_and_no_piece_is_too_long(words in prop::collection::vec(word(), 0..1_000)) {
            let text = words.join(" ");
            let pieces = chunks(&text);
            let mut covered = 0;
            for piece in &pieces {
                prop_assert!(piece.chars().count() <= LONGEST_PIECE);
                let start = piece.as_ptr() as usize - text.as_ptr() as usize;
                prop_assert!(start <= covered || text[covered..start].trim().is_empty());
                prop_assert!(start + piece.len() > covered, "each piece brings something new");
                covered = start + piece.len();
            }
            prop_assert!(text[covered..].trim().is_empty());
        }
    }
}
