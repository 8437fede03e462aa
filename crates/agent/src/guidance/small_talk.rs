//! Greetings, thanks, and questions about the assistant itself: what a small model answers at random, and what needs no
//! model. The answers are patterns with a few choices.

use super::patterns::patterns;
use super::plan::GuidanceInput;
use super::words::fold;

/// What a message of small talk is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Talk {
    Greeting,
    HowAreYou,
    Thanks,
    Praise,
    Laughter,
    WhatDay,
    WhatTime,
    Complaint,
    FeelsBad,
    FeelsWell,
    Goodbye,
    GoodNight,
    Assent,
    WhoAreYou,
    Abilities,
    NotYourName,
}

patterns! {
    /// Hello.
    GREETING = r"^(?:(?:hi|hello|hey|hiya|yo|howdy|greetings|good (?:morning|evening|afternoon|day)|morning|it's me|back again|i'm back)(?:[ ,!.]+(?:there|again|you|ada|resident|assistant|everyone|today|hi|hello|friend|buddy|it's me|i'm back))*)[ .!?)(:]*$";
    /// How are you?
    HOW_ARE_YOU = r"^(?:(?:hi|hello|hey|good (?:morning|evening|afternoon))[ ,!.]+(?:there[ ,!.]+)?)?(?:how are (?:you|things)|how's it going|how do you do|what's up|how have you been|are you (?:ok|okay|well))(?: (?:doing|today|going|feeling|this morning|tonight))*[ .!?]*$";
    /// Thank you.
    THANKS = r"^(?:(?:that(?:'s| is| was) (?:great|good|nice|perfect|helpful|all|it|fine|awesome|lovely|right)|ok|okay|great|perfect|cool|nice|wow|oh|ah|good|awesome|alright|no|yes|super|brilliant|lovely)[ ,!.]+)*(?:(?:many |a thousand )?thanks|thank you|thank u|thx|ty|cheers|much appreciated)\b(?:[ ,!.]+(?:a (?:lot|million|bunch|ton)|so much|very much|you|resident|ada|again|then|today|for (?:that|this|everything|now|the (?:help|info|information|reminder|tip)|(?:your|all your|all the) help|helping(?: me)?|remembering(?: that)?|reminding me|letting me know|asking)|that's (?:all|it|great|helpful|perfect|good|very helpful|kind|nice)|that (?:helps|helped)(?: a lot)?|you're (?:great|the best|a star|very kind)|i appreciate it|appreciate it|bye|good night))*[ .!?)(:]*$";
    /// Well done.
    PRAISE = r"^(?:(?:that's|that is|this is|you're|you are|that was) (?:so |very |really |pretty |quite )*(?:great|good|nice|cool|awesome|amazing|perfect|helpful|funny|smart|clever|kind|sweet|the best|impressive|interesting|brilliant)|well done|good (?:job|work|bot|answer|to know)|nice (?:one|work)|i (?:like|love) (?:you|it|that|this)|great (?:job|work)|awesome|amazing|brilliant|wow)[ .!?)(:]*$";
    /// Feeling bad.
    FEELS_BAD = r"^(?:i'm|i am|i feel|i'm feeling|i am feeling)(?: (?:so|very|really|a bit|a little|quite|just|pretty|too|kind of))* (?:sad|tired|lonely|bored|stressed|stressed out|anxious|worried|exhausted|down|depressed|upset|angry|sick|ill|unwell|bad|awful|terrible|frustrated|overwhelmed|homesick)(?: (?:today|right now|tonight|now|lately|again|this morning|this week))*[ .!]*$";
    /// Feeling well.
    FEELS_WELL = r"^(?:i'm|i am|i feel|i'm feeling|i am feeling)(?: (?:so|very|really|quite|just|pretty|all))* (?:happy|glad|great|good|fine|well|excited|relieved|proud|better|okay|ok)(?: (?:today|right now|tonight|now|thanks|thank you|again|this morning|this week))*[ .!]*$";
    /// Asks for the day.
    WHAT_DAY = r"^(?:(?:hey|hi|so|and|ok)[ ,!.]+)*(?:can you tell me |do you know )?(?:what(?:'s| is)? (?:the )?(?:date|day|day of the week|weekday)(?: is it)?(?: it is)?(?: is)?(?: today)?|which day is (?:it|today)(?: today)?|what is today|what's today|what year is it|what month is it)(?: today| now)?[ .!?]*$";
    /// Asks for the time.
    WHAT_TIME = r"^(?:(?:hey|hi|so|and|ok)[ ,!.]+)*(?:can you tell me |do you know )?(?:what time (?:is it|it is)|what(?:'s| is) the time|how late is it)(?: now| right now)?[ .!?]*$";
    /// Complains.
    COMPLAINT = r"^(?:you(?:'re| are) (?:so |very |really |being )*(?:not (?:very |really |that )?(?:helpful|useful|smart|funny)|useless|stupid|dumb|annoying|wrong|confused|unhelpful|boring|terrible|bad)|that(?:'s| is| was) (?:so |very |really |not |just )*(?:helpful|useless|stupid|nonsense|rubbish|wrong|not true|weird|a bad answer|what i asked|what i meant)|(?:that|this) makes no sense|you don't understand(?: me)?|bad (?:bot|answer)|nonsense|wrong)[ .!?]*$";
    /// Laughing.
    LAUGHTER = r"^(?:(?:lol|lmao|rofl|ha|haha+|hehe+|that's funny|that was funny|very funny|so funny|good one)[ .!?)(:]*)+$";
    /// Goodbye.
    GOODBYE = r"^(?:(?:ok|okay|alright|well|thanks|thank you)[ ,!.]+)*(?:bye(?:[ -]bye)?|goodbye|see you|see ya|talk to you|talk|catch you|until|take care|have a (?:good|nice|great) (?:day|evening|weekend|one)|i have to go|i've got to go|gotta go|that's all(?: for (?:now|today))?|that will be all)(?:[ ,!.]+(?:later|soon|tomorrow|then|now|for now|again|everyone|next time|resident|bye))*[ .!?)(:]*$";
    /// Good night.
    GOOD_NIGHT = r"^(?:(?:ok|okay|alright|well|thanks)[ ,!.]+)*(?:good ?night|sleep well|nighty? night|i'm (?:going|off) to (?:bed|sleep))\b[ \w,]{0,20}[ .!?)(:]*$";
    /// Yes, no, never mind.
    ASSENT = r"^(?:(?:oh|ah|no|ok|okay|well|just|yes|yeah|yep|nope|sure|right|alright|fine|great|perfect|cool|nice|good|hm+|hmm+|aha|i see|got it|understood|sounds good|fair enough|makes sense|exactly|correct|true|indeed|of course|please|maybe|never ?mind|forget (?:it|about it)|no worries|no problem|that's (?:right|correct|fine|ok|okay|it|true)|all good|all right|not (?:really|now|yet)|nothing|doesn't matter|it doesn't matter)[ ,.!]*)+[.!?)(:]*$";
    /// Who are you?
    WHO_ARE_YOU = r"^(?:(?:hi|hello|hey|so|and|ok)[ ,!.]+)*(?:(?:who|what) (?:exactly )?are you(?: called)?|what(?:'s| is) your (?:full )?name|what should i call you|do you have a name|(?:tell me|say something) about yourself|introduce yourself|are you (?:a |an )?(?:human|robot|bot|ai|person|real|real person|machine|computer|chatgpt|siri|alexa))[ .!?]*$";
    /// What can you do?
    ABILITIES = r"^(?:(?:hi|hello|hey|so|and|ok|well)[ ,!.]+)*(?:what (?:can|could|do) you (?:do|help(?: me)? with|offer)(?: for me| exactly| then)?|how (?:can|could|do) you help(?: me)?|what are you (?:good for|able to do|for)|how (?:do you|does this|does it) work|how do i use (?:you|this)|what is this|help(?: me)?|can you (?:remember things|remember anything|help me)|do you (?:remember|have a memory)|can i trust you|are you (?:private|safe|offline)|is (?:this|it|that) (?:private|safe|offline)|(?:where|how) (?:do you|is my data|are my data) (?:keep|store|stored|kept)(?: my data| what i (?:say|tell you))?|do you (?:send|share|sell) my data.*|who (?:can )?(?:reads?|sees?) (?:this|what i (?:say|write|type)))[ .!?]*$";
    /// Your name is not X.
    NOT_YOUR_NAME = r"^(?:(?:no|hey|but|well|sorry|wait)[ ,!.]+)*(?:your name(?: is not| isn't|'s not)|you(?: are not|'re not| aren't) (?:called|named))\b";
    /// What the persona calls itself.
    OWN_NAME = r"(?i)(?:\bassistant's name is|\bassistant is (?:now )?(?:called|named)|^i am called|^i'm called|^my name is) ([^,.;\n]{1,40})";
}

fn talk(text: &str) -> Option<Talk> {
    if text.len() > LONGEST_SMALL_TALK_BYTES {
        return None;
    }
    let folded = fold(text);
    let kinds = [
        (&GREETING, Talk::Greeting),
        (&HOW_ARE_YOU, Talk::HowAreYou),
        (&THANKS, Talk::Thanks),
        (&GOODBYE, Talk::Goodbye),
        (&GOOD_NIGHT, Talk::GoodNight),
        (&ASSENT, Talk::Assent),
        (&LAUGHTER, Talk::Laughter),
        (&WHAT_DAY, Talk::WhatDay),
        (&WHAT_TIME, Talk::WhatTime),
        (&FEELS_BAD, Talk::FeelsBad),
        (&FEELS_WELL, Talk::FeelsWell),
        (&PRAISE, Talk::Praise),
        (&WHO_ARE_YOU, Talk::WhoAreYou),
        (&ABILITIES, Talk::Abilities),
        (&NOT_YOUR_NAME, Talk::NotYourName),
        (&COMPLAINT, Talk::Complaint),
    ];
    kinds.into_iter().find(|(pattern, _)| pattern.is_match(&folded)).map(|(_, talk)| talk)
}

/// Nobody greets at greater length.
const LONGEST_SMALL_TALK_BYTES: usize = 200;

/// Whether `text` is small talk, or asks the assistant about itself.
pub(super) fn is_small_talk(text: &str) -> bool {
    talk(text).is_some()
}

/// The answers to small talk, as a pattern; none when the message is something else.
pub(super) fn answer(input: &GuidanceInput<'_>) -> Option<String> {
    let name = regex::escape(&own_name(input));
    // An account without a name is called "you".
    let user = input
        .user_name
        .filter(|name| !name.eq_ignore_ascii_case("you"))
        .map(regex::escape)
        .map_or_else(String::new, |user| format!("(?:, {user}|)"));
    Some(match talk(input.user_text)? {
        Talk::Greeting => format!("(?:Hello|Hi){user}! (?:What can I do for you\\?|How can I help\\?)"),
        Talk::HowAreYou => "I'm fine, thank you\\. (?:What can I do for you\\?|How can I help\\?)".to_owned(),
        Talk::Thanks => "(?:You're welcome\\.|Any time\\.|Glad to help\\.)".to_owned(),
        Talk::Praise => "(?:Thank you\\.|Glad you like it\\.|Good to hear\\.)".to_owned(),
        Talk::FeelsBad => {
            "I'm sorry to hear that\\. (?:Do you want to tell me about it\\?|Is there anything I can do\\?)".to_owned()
        }
        Talk::FeelsWell => "(?:Good to hear\\.|I'm glad\\.)".to_owned(),
        Talk::WhatDay => format!("Today is {}\\.", input.now.strftime("%A, %-d %B %Y")),
        Talk::WhatTime => format!("It is {}\\.", input.now.strftime("%H:%M")),
        Talk::Complaint => "I'm sorry\\. Tell me what is wrong, and I will try again\\.".to_owned(),
        Talk::Laughter => "(?:Glad that made you smile\\.|Good to hear you laugh\\.)".to_owned(),
        Talk::Goodbye => format!("(?:Goodbye|See you){user}\\."),
        Talk::GoodNight => format!("Good night{user}\\. Sleep well\\."),
        Talk::Assent => "(?:Okay\\.|All right\\.)".to_owned(),
        Talk::WhoAreYou => {
            format!("I'm {name}, your personal assistant\\. I run on this computer and remember what you tell me\\.")
        }
        Talk::Abilities => regex::escape(ABILITIES_TOLD),
        Talk::NotYourName => {
            format!("My name is {name}\\. To call me something else, say \"Your name is\" and the name\\.")
        }
    })
}

const ABILITIES_TOLD: &str = "I can chat with you, answer questions, and remember things for you. Tell me what to \
    remember, correct me, have me forget it, or ask what you told me before. Everything stays on this computer.";

/// The name that the persona has been given, or the agent's.
fn own_name(input: &GuidanceInput<'_>) -> String {
    let persona = input.blocks.iter().filter(|block| block.label == super::notes::PERSONA);
    let lines: Vec<&str> = persona.flat_map(|block| block.value.lines()).collect();
    let given = lines.iter().rev().find_map(|line| OWN_NAME.captures(line.trim()));
    given.map_or_else(|| input.agent_name.to_owned(), |found| found[1].trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_talk_is_told_from_what_is_not() {
        for (text, expected) in [
            ("Hi!", Some(Talk::Greeting)),
            ("good morning", Some(Talk::Greeting)),
            ("hey, how are you today?", Some(Talk::HowAreYou)),
            ("Thanks, that's very helpful!", Some(Talk::Thanks)),
            ("ok great, thank you so much", Some(Talk::Thanks)),
            ("that's great, thanks", Some(Talk::Thanks)),
            ("lol", Some(Talk::Laughter)),
            ("I'm a bit tired today.", Some(Talk::FeelsBad)),
            ("I am sick of my job", None),
            ("bye for now", Some(Talk::Goodbye)),
            ("Good night!", Some(Talk::GoodNight)),
            ("ok", Some(Talk::Assent)),
            ("No, never mind.", Some(Talk::Assent)),
            ("What's your name?", Some(Talk::WhoAreYou)),
            ("so what can you do?", Some(Talk::Abilities)),
            ("Your name is not Nick.", Some(Talk::NotYourName)),
            ("Your name is Max.", None),
            ("What's my name?", None),
            ("Thanks to my sister I have a job", None),
            ("Good night's sleep is what I need, any tips for falling asleep?", None),
            ("No, my cat is called Rex", None),
            ("Yes, I live in Oslo", None),
            ("Hello Kitty is my favourite character", None),
            ("Remember that I like tea", None),
        ] {
            assert_eq!(talk(text), expected, "{text}");
        }
    }
}
