//! Texts as people write them, as far as a search sees it: few words come often and most hardly ever (Zipf), and what is
//! said of one topic has words in common. Made from a seed.

/// Words that are said most, in about their order; what follows in the vocabulary is made of syllables.
const COMMON: &str = "the i to and you a it that of is in was for my we on so but have be what me with do this not are \
    just at like your can about know up get out if go one when think time all good had see now some really want from \
    then how work day make did back been home new people way week look love house well year much great long night \
    friend thing family need help place life school food car dog money kid book game trip music city garden dinner";

const VOCABULARY: usize = 40_000;

/// Words that belong to a topic, and how often one of them is said.
const TOPIC_WORDS: usize = 60;
const TOPIC_SHARE: f64 = 0.3;

/// Topics that are talked about.
pub(crate) const TOPICS: usize = 1_000;

/// Numbers that look random (splitmix64).
pub(crate) struct Dice(u64);

impl Dice {
    /// The same numbers for the same seed.
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// From 0 to less than 1.
    pub(crate) fn fraction(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    pub(crate) fn below(&mut self, end: usize) -> usize {
        (self.fraction() * end as f64) as usize
    }

    /// A rank of `count`, from 0, by Zipf's law.
    fn zipf(&mut self, count: usize) -> usize {
        (((count + 1) as f64).powf(self.fraction()) as usize - 1).min(count - 1)
    }
}

/// What is said.
pub(crate) struct Texts {
    words: Vec<String>,
}

impl Texts {
    /// The vocabulary.
    pub(crate) fn new() -> Self {
        let mut words: Vec<String> = COMMON.split_whitespace().map(str::to_owned).collect();
        let mut number = 0_usize;
        while words.len() < VOCABULARY {
            words.push(made_up(number));
            number += 1;
        }
        Self { words }
    }

    /// A text of a topic with about so many words.
    pub(crate) fn text(&self, topic: usize, (fewest, most): (usize, usize), dice: &mut Dice) -> String {
        let count = fewest + dice.below(most - fewest);
        let mut text = String::with_capacity(count * 6);
        for place in 0..count {
            if place > 0 {
                text.push(' ');
            }
            text.push_str(if dice.fraction() < TOPIC_SHARE {
                self.topic_word(topic, dice)
            } else {
                &self.words[dice.zipf(VOCABULARY)]
            });
        }
        text.push('.');
        text
    }

    /// A question about a topic: words of its own, and some that are said of everything.
    pub(crate) fn question(&self, topic: usize, dice: &mut Dice) -> String {
        const BEGINNINGS: [&str; 5] = [
            "What did I say about",
            "When did we talk about",
            "Do you remember the",
            "Where is the",
            "Who told me about",
        ];
        let mut text = BEGINNINGS[dice.below(BEGINNINGS.len())].to_owned();
        for _ in 0..1 + dice.below(3) {
            text.push(' ');
            text.push_str(self.topic_word(topic, dice));
        }
        for _ in 0..dice.below(3) {
            text.push(' ');
            text.push_str(&self.words[dice.zipf(VOCABULARY)]);
        }
        if dice.below(5) == 0 {
            const MONTHS: [&str; 4] = ["January", "May", "August", "October"];
            text.push_str(&format!(" in {} {}", MONTHS[dice.below(4)], 2021 + dice.below(4)));
        }
        text.push('?');
        text
    }

    fn topic_word(&self, topic: usize, dice: &mut Dice) -> &str {
        let word = topic * 7_919 + dice.zipf(TOPIC_WORDS) * 104_729;
        // Words of topics are among the rarer ones; topics share some.
        &self.words[300 + word % (VOCABULARY - 300)]
    }
}

/// A word like no other, of two syllables or more.
fn made_up(number: usize) -> String {
    const SYLLABLES: [&str; 24] = [
        "ba", "co", "di", "fen", "gor", "hul", "jan", "ke", "lim", "mo", "nar", "pel", "qui", "ro", "sun", "tav", "ul",
        "vek", "wan", "xo", "yor", "zim", "bri", "cla",
    ];
    let mut word = String::new();
    let mut rest = number + SYLLABLES.len();
    while rest > 0 {
        word.push_str(SYLLABLES[rest % SYLLABLES.len()]);
        rest /= SYLLABLES.len();
    }
    word
}
