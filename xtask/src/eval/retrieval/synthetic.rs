//! `cargo xtask eval corpus KIND`: corpora of our own, so that ranking is not fitted to the one public corpus.
//!
//! *Assistant*: a person and an assistant who answers in long paragraphs; facts are told in passing, some change later, and
//! some recommendations stand at the end of a long answer. *Undated*: the same in one session without a date. *Noisy*:
//! two people who type short lines in lower case, with answers that lack the words of their questions. Everything is
//! made from the tables below with a fixed seed; they know nothing of the ranking and were not changed to suit it.

use clap::ValueEnum;
use serde_json::{Value, json};

/// Which corpus is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Corpus {
    /// Long answers, facts in passing, updates.
    Assistant,
    /// The same in one session without a date.
    Undated,
    /// Short lines of two people.
    Noisy,
}

/// A fact, as it is told first and as it is told after it changed, with the questions about it.
struct Fact {
    told: &'static str,
    changed: &'static str,
    /// Asks about now.
    now: &'static str,
    /// Asks about before the change.
    then: &'static str,
}

const FACTS: [Fact; 12] = [
    Fact {
        told: "my budget for the new laptop is 400 euros",
        changed: "I got a bonus, so my laptop budget is now 500 euros",
        now: "What is my budget for the laptop?",
        then: "How much did I first want to spend on a laptop?",
    },
    Fact {
        told: "I go to the gym on Tuesdays and Thursdays",
        changed: "I switched my gym days to Mondays and Fridays",
        now: "Which days do I currently go to the gym?",
        then: "On which days did I use to go to the gym?",
    },
    Fact {
        told: "my sister Paula lives in Hamburg",
        changed: "Paula just moved to Vienna for her new job",
        now: "Where does my sister live now?",
        then: "Where did Paula live before she moved?",
    },
    Fact {
        told: "I drive an old Skoda that rattles",
        changed: "I sold the Skoda and picked up a used Corolla",
        now: "What car do I drive these days?",
        then: "What was the car I had before?",
    },
    Fact {
        told: "I am reading a long novel about lighthouse keepers",
        changed: "I finished the lighthouse book and started one about beekeeping",
        now: "Which book am I reading at the moment?",
        then: "What was the novel that I finished about?",
    },
    Fact {
        told: "my dentist appointment is on the 14th at nine",
        changed: "the dentist called and we pushed the appointment to the 21st at four",
        now: "When is my dentist appointment?",
        then: "When was the dentist originally going to see me?",
    },
    Fact {
        told: "I drink three cups of coffee a day",
        changed: "I cut down to one coffee in the morning",
        now: "How many coffees do I have a day now?",
        then: "How much coffee did I drink before cutting down?",
    },
    Fact {
        told: "our team at work has six people",
        changed: "two people joined, so there are eight of us in the team",
        now: "How many people are in my team?",
        then: "How big was my team at first?",
    },
    Fact {
        told: "I pay 780 a month for my flat",
        changed: "the landlord raised the rent to 845 from this month on",
        now: "What is my rent now?",
        then: "What was my rent before it went up?",
    },
    Fact {
        told: "I run five kilometres in about 31 minutes",
        changed: "I ran the five kilometres in 28 minutes this morning, a new best",
        now: "What is my best time over five kilometres?",
        then: "How long did five kilometres take me in the beginning?",
    },
    Fact {
        told: "our cat Miso gets the salmon food",
        changed: "the vet put Miso on a chicken diet",
        now: "What does my cat eat now?",
        then: "What did Miso eat before the vet changed it?",
    },
    Fact {
        told: "I am learning Portuguese with a tutor called Ines",
        changed: "Ines left, my Portuguese tutor is Rui now",
        now: "Who is my Portuguese tutor?",
        then: "Who taught me Portuguese at first?",
    },
];

/// What stays as it was told, and its question.
const STEADY: [(&str, &str); 14] = [
    ("I'm allergic to walnuts", "Which food must I avoid?"),
    ("I studied marine biology in Galway", "What did I study, and where?"),
    ("my grandmother taught me how to bake rye bread", "Who showed me how to make bread?"),
    ("I bought a red kayak from a neighbour", "What colour is the boat I bought?"),
    ("my daughter Lena plays the cello", "Which instrument does my daughter play?"),
    ("I keep the spare key under the third flower pot", "Where is the spare key?"),
    ("we got married on a ferry near Split", "Where was my wedding?"),
    ("my blood type is O negative", "What is my blood group?"),
    ("I lost my wallet on the tram to the harbour", "Where did my wallet get lost?"),
    ("I volunteer at the bicycle workshop on weekends", "What do I do as a volunteer?"),
    ("the wifi at the cabin is called pinecone", "What is the name of the wireless network at the cabin?"),
    ("I broke my wrist skating in January", "How did I hurt my wrist?"),
    ("my first job was in a print shop", "What was my first job?"),
    ("I collect postcards of railway stations", "What do I collect?"),
];

/// What is asked of the assistant, what it recommends near the end of its answer, and the later question about it.
const ADVICE: [(&str, &str, &str); 8] = [
    (
        "What should I cook for six guests?",
        "Of all these I would pick the mushroom barley stew with dill.",
        "Which dish did you recommend for the guests?",
    ),
    (
        "Any idea for a weekend trip by train?",
        "My favourite among them would be Ghent, for its canals.",
        "Which town did you suggest for the weekend by train?",
    ),
    (
        "How can I sleep better?",
        "If you try only one thing, dim every lamp after nine.",
        "What was the one thing you told me to try for my sleep?",
    ),
    (
        "Which plants survive in a dark hallway?",
        "The one I would start with is the cast iron plant.",
        "Which plant did you say I should start with?",
    ),
    (
        "What could I give my father for his birthday?",
        "The gift I would choose is a hand plane for his workshop.",
        "What present did you propose for my father?",
    ),
    (
        "How do I get red wine out of a carpet?",
        "Best of all works soda water with a spoon of salt.",
        "What did you say works best against wine stains?",
    ),
    (
        "Which film should we watch tonight?",
        "I would go for the documentary about the salt miners.",
        "Which film did you suggest?",
    ),
    (
        "How should I back up my photos?",
        "I would keep one copy on a disk at a friend's house.",
        "Where did you advise me to keep a copy of my pictures?",
    ),
];

/// What an assistant fills a page with: it touches every topic above and answers none of the questions.
const FILLER: [&str; 36] = [
    "A budget helps most when it leaves room for surprises.",
    "Laptops differ more in their screens than in their processors.",
    "Many people go to the gym most regularly when a friend goes along.",
    "Days of rest are as important as days of training.",
    "A sister or a brother often knows best what somebody would like.",
    "Moving to another city takes more boxes than anyone expects.",
    "Old cars rattle for many reasons, most of them harmless.",
    "A used car should be looked at by somebody who knows engines.",
    "A good novel can be put down and picked up again after weeks.",
    "Books about animals and trades are popular this year.",
    "Dentists recommend an appointment every six months.",
    "It is wise to note the time and the day of every appointment.",
    "Coffee late in the afternoon may keep you awake.",
    "Tea has less caffeine than coffee and more than cocoa.",
    "Teams of five to nine people tend to work well together.",
    "Work that is shared early is corrected early.",
    "Rents rise faster in cities than wages do.",
    "A landlord has to announce a change in writing.",
    "Runners improve fastest when most of their kilometres are slow.",
    "A new best time rarely comes on a hot morning.",
    "Cats prefer food at room temperature.",
    "A vet can tell whether a diet suits an animal.",
    "Languages are learnt by speaking, whatever the tutor says.",
    "Portuguese and Spanish share most of their grammar.",
    "Nuts, fish and milk are the most common allergies.",
    "Rye bread needs a sourdough and patience.",
    "A kayak is stored upside down and out of the sun.",
    "The cello is tuned an octave below the viola.",
    "Spare keys belong with somebody you trust.",
    "A wedding on the water depends on the weather.",
    "Lost wallets are returned more often than one thinks.",
    "Workshops for bicycles are always looking for volunteers.",
    "A network with a funny name is found more easily.",
    "Wrists heal slowly, so give them time.",
    "First jobs teach more than the first year of any course.",
    "Collections grow by themselves once friends know of them.",
];

const OPENERS: [&str; 10] = [
    "Could you explain how compound interest works?",
    "I need a polite mail to my landlord about the heating.",
    "What are good stretches for the back?",
    "Help me plan the week.",
    "What is the difference between baking soda and baking powder?",
    "Give me three ideas for a rainy Sunday.",
    "Can you check this sentence for me?",
    "How do I descale a kettle?",
    "Tell me something about the history of lighthouses.",
    "What should I look for in a used bicycle?",
];

/// Facts of two people who chat: what one asks, what the other answers in a line, and the later question.
const CHATTER: [(&str, &str, &str); 16] = [
    ("so where r u moving", "lisbon!! cant wait", "Which city is Kim moving to?"),
    ("whats the new puppy called", "biscuit lol", "What is the name of Kim's puppy?"),
    ("did u get the job", "yesss start monday at the bakery", "Where does Kim work now?"),
    ("how was the exam", "failed it by 2 points ugh", "Did Kim pass the exam?"),
    ("what did ur mum say abt the tattoo", "she loved it omg", "How did Kim's mother react to the tattoo?"),
    ("which bike did u buy", "the green one, 2nd hand", "What colour is Kim's bike?"),
    ("who r u going to the concert w", "jonas prob", "With whom is Kim going to the concert?"),
    ("when is ur flight", "6am sat, kill me", "When does Kim's plane leave?"),
    ("what happened to ur phone", "dropped it in the lake haha", "How did Kim break the phone?"),
    ("hows ur knee", "needs surgery in march :(", "What is wrong with Kim's knee?"),
    ("what r u cooking", "gnocchi from scratch", "Which dish did Kim make?"),
    ("did the landlord answer", "nope, calling a lawyer", "What will Kim do about the landlord?"),
    ("what did u name the boat", "thunder duck", "What is Kim's boat called?"),
    ("how old is ur brother again", "17, turns 18 in june", "What is the age of Kim's brother?"),
    ("what colour r u painting the kitchen", "dark green maybe", "In which colour will Kim paint the kitchen?"),
    ("why did u quit choir", "rehearsals clashed w climbing", "Why did Kim leave the choir?"),
];

const NOISE: [&str; 20] = [
    "lol",
    "haha same",
    "omg yes",
    "brb",
    "ok cool",
    "wait what",
    "no way",
    "k",
    "so tired today",
    "did u see that",
    "ugh mondays",
    "love that",
    "where r u",
    "call u later",
    "im on the bus",
    "its raining again",
    "need coffee",
    "what time",
    "good luck!!",
    "miss u",
];

/// The lines of a corpus.
pub(super) fn lines(corpus: Corpus) -> Vec<Value> {
    match corpus {
        Corpus::Assistant => (0..3).map(|seed| assistant(seed, true)).collect(),
        Corpus::Undated => (0..3).map(|seed| assistant(seed, false)).collect(),
        Corpus::Noisy => (0..3).map(noisy).collect(),
    }
}

/// Numbers that look random and are the same every time (Knuth's MMIX generator).
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap_or_default() % most
    }

    fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last + 1));
        }
    }
}

/// A conversation that is being written.
#[derive(Default)]
struct Script {
    sessions: Vec<Vec<Value>>,
    questions: Vec<Value>,
    turns: usize,
}

impl Script {
    fn say(&mut self, speaker: &str, text: String) -> String {
        self.turns += 1;
        let id = format!("t{}", self.turns);
        let session = self.sessions.last_mut().expect("a session has begun");
        session.push(json!({"id": id, "speaker": speaker, "text": text}));
        id
    }

    fn ask(&mut self, category: usize, text: &str, evidence: &str) {
        let id = self.questions.len();
        self.questions.push(json!({"id": id, "text": text, "category": category, "evidence": [evidence]}));
    }

    fn finish(self, id: String, dated: bool) -> Value {
        let sessions = self.sessions.into_iter().enumerate().map(|(at, turns)| {
            let (month, day) = (at / 28 % 12 + 1, at % 28 + 1);
            let date = if dated { format!("2025/{month:02}/{day:02} (Mon) 18:30") } else { String::new() };
            json!({"id": at, "date": date, "turns": turns})
        });
        let sessions: Vec<Value> = sessions.collect();
        json!({"id": id, "split": "test", "sessions": sessions, "questions": self.questions})
    }
}

/// What happens in a session of the person and the assistant.
#[derive(Clone, Copy)]
enum Episode {
    Told(usize),
    Changed(usize),
    Steady(usize),
    Advice(usize),
    Nothing,
}

fn assistant(seed: u64, dated: bool) -> Value {
    let mut dice = Dice(seed + 1);
    let mut early: Vec<Episode> = (0..FACTS.len()).map(Episode::Told).collect();
    early.extend((0..STEADY.len()).map(Episode::Steady));
    early.extend([Episode::Nothing; 40]);
    let mut late: Vec<Episode> = (0..FACTS.len()).map(Episode::Changed).collect();
    late.extend((0..ADVICE.len()).map(Episode::Advice));
    late.extend([Episode::Nothing; 40]);
    dice.shuffle(&mut early);
    dice.shuffle(&mut late);
    let mut script = Script::default();
    for episode in early.into_iter().chain(late) {
        if dated || script.sessions.is_empty() {
            script.sessions.push(Vec::new());
        }
        let opener = OPENERS[dice.below(OPENERS.len())];
        match episode {
            Episode::Told(fact) => {
                let id = script.say("user", format!("By the way, {}. {opener}", FACTS[fact].told));
                script.ask(4, FACTS[fact].then, &id);
            }
            Episode::Changed(fact) => {
                let id = script.say("user", format!("{opener} Oh, and {}.", FACTS[fact].changed));
                script.ask(2, FACTS[fact].now, &id);
            }
            Episode::Steady(fact) => {
                let (told, question) = STEADY[fact];
                let id = script.say("user", format!("{opener} I should mention that {told}."));
                script.ask(1, question, &id);
            }
            Episode::Advice(advice) => {
                let (asked, answer, question) = ADVICE[advice];
                script.say("user", asked.to_owned());
                let mut page = page(&mut dice, 24);
                page.push(answer);
                page.push("Tell me how it goes!");
                let id = script.say("assistant", page.join(" "));
                script.ask(3, question, &id);
            }
            Episode::Nothing => {
                script.say("user", opener.to_owned());
            }
        }
        if !matches!(episode, Episode::Advice(_)) {
            let sentences = 6 + dice.below(14);
            let page = page(&mut dice, sentences).join(" ");
            script.say("assistant", page);
        }
        script.say("user", "Thanks, that helps a lot!".to_owned());
        script.say("assistant", "You're welcome! Is there anything else I can do?".to_owned());
    }
    script.finish(format!("assistant-{seed}"), dated)
}

fn page(dice: &mut Dice, sentences: usize) -> Vec<&'static str> {
    let mut page = FILLER.to_vec();
    dice.shuffle(&mut page);
    page.truncate(sentences);
    page
}

fn noisy(seed: u64) -> Value {
    let mut dice = Dice(seed + 101);
    let mut order: Vec<usize> = (0..CHATTER.len()).collect();
    dice.shuffle(&mut order);
    let mut script = Script::default();
    for at in order {
        let (asked, answered, question) = CHATTER[at];
        script.sessions.push(Vec::new());
        let noise = |script: &mut Script, dice: &mut Dice| {
            for _ in 0..10 + dice.below(20) {
                let speaker = if dice.below(2) == 0 { "Kim" } else { "Robin" };
                script.say(speaker, NOISE[dice.below(NOISE.len())].to_owned());
            }
        };
        noise(&mut script, &mut dice);
        script.say("Robin", asked.to_owned());
        let id = script.say("Kim", answered.to_owned());
        script.ask(1, question, &id);
        noise(&mut script, &mut dice);
    }
    script.finish(format!("noisy-{seed}"), false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn corpora_are_the_same_every_time_and_name_their_evidence() {
        for corpus in [Corpus::Assistant, Corpus::Undated, Corpus::Noisy] {
            let made = lines(corpus);
            assert_eq!(made, lines(corpus));
            let text = made.iter().map(|line| format!("{line}\n")).collect::<String>();
            let file = tempfile::NamedTempFile::new().unwrap();
            std::fs::write(file.path(), text).unwrap();
            let read = super::super::corpus::Corpus::read(file.path(), None).unwrap();
            assert_eq!((read.conversations.len(), read.dates_not_understood), (3, 0));
            assert!(read.conversations.iter().all(|one| one.questions.iter().all(|q| !q.evidence.is_empty())));
        }
    }
}
