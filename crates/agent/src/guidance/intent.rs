//! What a message asks of memory, as far as its words leave no doubt.
//!
//! The words are read sentence by sentence: the first and the last of a message may ask, those between only in a short
//! message, since a text that is to be kept may itself say "don't forget". Traps are looked at before requests:
//! "I can't remember", "do you remember …?" and "remember when …" ask, and "forget it" lets go.

use std::borrow::Cow;

use super::patterns::patterns;
use super::words;

/// What a message asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Intent {
    /// To keep a fact in core memory; also a plain statement of a fact about the user ("I moved to Oslo").
    Remember,
    /// To change a fact that is kept.
    Correct,
    /// To remove a fact that is kept.
    Forget,
    /// To keep a longer text or something for later in archival memory.
    Archive,
    /// To say what is remembered or was said.
    Recall,
    /// Anything else.
    Converse,
}

impl Intent {
    /// All of them, in the order of the classifier's weights.
    pub const ALL: [Self; 6] =
        [Self::Remember, Self::Correct, Self::Forget, Self::Archive, Self::Recall, Self::Converse];

    /// Its name in data files and reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Remember => "remember",
            Self::Correct => "correct",
            Self::Forget => "forget",
            Self::Archive => "archive",
            Self::Recall => "recall",
            Self::Converse => "converse",
        }
    }
}

/// What a message explicitly asks to be written to memory. Such a request is never lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MemoryRequest {
    /// "Remember that …"
    Remember,
    /// "Correct that: …"
    Correct,
    /// "Forget that …"
    Forget,
    /// "Save this for later: …"
    Archive,
}

impl From<MemoryRequest> for Intent {
    fn from(request: MemoryRequest) -> Self {
        match request {
            MemoryRequest::Remember => Self::Remember,
            MemoryRequest::Correct => Self::Correct,
            MemoryRequest::Forget => Self::Forget,
            MemoryRequest::Archive => Self::Archive,
        }
    }
}

/// "Hi, I'm Tess" with the greeting turned into a statement of the name.
pub(super) fn as_introduction(text: &str) -> Option<String> {
    let text = words::straighten(text.trim());
    INTRODUCES.is_match(&text).then(|| INTRODUCES.replace(&text, "my name is $1").into_owned())
}

/// Whether `text` asks how something is done that is not the user's own.
pub(super) fn asks_how_to(text: &str) -> bool {
    let folded = words::fold(text);
    folded.starts_with("how ") && HOW_TO.is_match(&folded) && !words::words(text).iter().any(|word| word == "my")
}

/// Whether `text` gives the assistant a name: "Your name is Max."
pub(super) fn names_the_assistant(text: &str) -> bool {
    !is_question(text) && sentences(text).iter().any(|sentence| NAMES_THE_ASSISTANT.is_match(sentence))
}

/// Whether `text` gives a new value without saying of what: "Actually it's next Friday."
pub(super) fn corrects_by_value(text: &str) -> bool {
    !is_question(text) && sentences(text).iter().any(|sentence| CORRECTS_BY_VALUE.is_match(sentence))
}

/// Whether `text` tells something of somebody whom one of `lines` names: "Siri is seven now."
pub(crate) fn tells_of_somebody_known(text: &str, lines: &[&str]) -> bool {
    if let Some(found) = OF_SOMETHING.captures(&words::fold(text)) {
        let subject = words::content_stems(&found[1]);
        let told = |line: &&str| words::overlap(&subject, line) >= 1.0;
        return !is_question(text) && !subject.is_empty() && lines.iter().any(told);
    }
    let Some(found) = OF_SOMEBODY.captures(text.trim()) else { return false };
    let name = &found[1];
    let names = |line: &&str| line.split(|character: char| !character.is_alphanumeric()).any(|word| word == name);
    !is_question(text) && lines.iter().any(names)
}

/// Whether only what was said before tells what `text` is about.
pub(crate) fn names_no_topic(text: &str) -> bool {
    corrects_by_value(text)
}

/// Whether `text` asks for a fact about the user, so that only memory can answer it: "Does my sister like tea?"
pub(super) fn asks_about_the_user(text: &str) -> bool {
    is_question(text)
        && sentences(text).last().is_some_and(|last| ABOUT_THE_USER.is_match(last) && !HOW_TO.is_match(last))
}

/// A longer message is taken for a text with a request before or after it.
const SHORT_MESSAGE_CHARS: usize = 400;

/// The memory request that the words of `text` make beyond doubt, if any. Used for every model, guided or not.
pub fn explicit_request(text: &str) -> Option<MemoryRequest> {
    let sentences = sentences(text);
    let last = sentences.len().checked_sub(1)?;
    let short = text.chars().count() <= SHORT_MESSAGE_CHARS;
    sentences
        .iter()
        .enumerate()
        .filter(|(index, _)| short || *index == 0 || *index == last)
        .find_map(|(_, sentence)| request_of_sentence(sentence))
}

/// Whether the words of `text` ask for something that is remembered or was said.
pub(super) fn asks_to_recall(text: &str) -> bool {
    sentences(text).iter().any(|sentence| {
        !ABOUT_MEMORY.is_match(sentence)
            && (RECALL_TRAP.is_match(sentence)
                || ASKS_TO_SEARCH.is_match(sentence)
                || RECALL.is_match(sentence)
                || asks_whether_remembered(sentence))
    })
}

/// Whether `text` surely asks for something that is remembered or was said.
pub(super) fn surely_asks_to_recall(text: &str) -> bool {
    sentences(text).iter().any(|sentence| {
        !ABOUT_MEMORY.is_match(sentence)
            && (RECALL_TRAP.is_match(sentence)
                || ASKS_TO_SEARCH.is_match(sentence)
                || asks_whether_remembered(sentence))
    })
}

/// Whether `text` surely takes something back that was said or kept.
pub(super) fn surely_takes_back(text: &str) -> bool {
    !is_question(text) && sentences(text).iter().any(|sentence| SURELY_TAKES_BACK.is_match(sentence))
}

/// Whether `text` asks about remembering as such: "Can you remember things?"
pub(super) fn is_about_memory(text: &str) -> bool {
    sentences(text).iter().all(|sentence| ABOUT_MEMORY.is_match(sentence)) && is_question(text)
}

/// Whether `text` ends in a question or an order to tell something, and states nothing beside it.
pub(super) fn is_question(text: &str) -> bool {
    let sentences = sentences(text);
    let asks = |sentence: &String| sentence.ends_with('?') || QUESTION.is_match(sentence) || TELL_ME.is_match(sentence);
    sentences.last().is_some_and(asks) && !sentences.iter().any(|sentence| !asks(sentence) && STATES.is_match(sentence))
}

/// Whether the words of `text` take something back that was said or kept.
pub(super) fn takes_back(text: &str) -> bool {
    sentences(text).iter().any(|sentence| TAKES_BACK.is_match(sentence) && !sentence.ends_with('?'))
}

/// Whether `text` states a fact about who says it.
pub(super) fn states_a_fact(text: &str) -> bool {
    sentences(text).iter().any(|sentence| STATES.is_match(sentence) && !sentence.ends_with('?'))
}

/// Folded sentences, without the politeness before what they ask.
fn sentences(text: &str) -> Vec<String> {
    words::sentences(&words::straighten(&read_part(text)))
        .into_iter()
        .map(|sentence| POLITENESS.replace(&words::fold(sentence), "").into_owned())
        .filter(|sentence| !sentence.is_empty())
        .collect()
}

/// What of `text` is read to find what it asks: of a very long one its beginning and its end, since what is asked of a
/// pasted text stands before or after it.
pub(crate) fn read_part(text: &str) -> Cow<'_, str> {
    if text.len() <= LONGEST_READ_BYTES {
        return Cow::Borrowed(text);
    }
    let head = &text[..text.floor_char_boundary(READ_AT_EACH_END_BYTES)];
    let tail = &text[text.ceil_char_boundary(text.len() - READ_AT_EACH_END_BYTES)..];
    Cow::Owned(format!("{head}\n{tail}"))
}

/// Longer than anything that people write themselves; patterns read this much in about a millisecond.
const LONGEST_READ_BYTES: usize = 8 * 1024;
const READ_AT_EACH_END_BYTES: usize = 1024;

fn request_of_sentence(sentence: &str) -> Option<MemoryRequest> {
    let asks = LETS_GO.is_match(sentence)
        || RECALL_TRAP.is_match(sentence)
        || QUESTION.is_match(sentence)
        || asks_whether_remembered(sentence);
    if asks {
        return None;
    }
    let not_to_forget = NOT_TO_FORGET.is_match(sentence);
    if !not_to_forget && FORGET.is_match(sentence) {
        Some(MemoryRequest::Forget)
    } else if ARCHIVE.is_match(sentence) && !NOT_TO_ARCHIVE.is_match(sentence) {
        Some(MemoryRequest::Archive)
    } else if CORRECT.is_match(sentence) {
        Some(MemoryRequest::Correct)
    } else if not_to_forget || REMEMBER.is_match(sentence) {
        Some(MemoryRequest::Remember)
    } else {
        None
    }
}

/// "Can you remember my birthday?" asks; "can you remember my birthday is on 3 May?" tells.
fn asks_whether_remembered(sentence: &str) -> bool {
    let Some(found) = WHETHER_REMEMBERED.captures(sentence) else { return false };
    let rest = found.get(1).map_or("", |rest| rest.as_str());
    ASKED_PART.is_match(rest) && !rest.contains(':') || sentence.ends_with('?') && !TELLS.is_match(rest)
}

patterns! {
    /// What may stand before the request itself.
    POLITENESS = r"(?x)^(?:
        (?:hi|hey|hello|ok|okay|so|well|oh|ah|um|also|and|but|please|pls|btw|by\ the\ way|just|now|right|alright|
           sorry|great|thanks|thank\ you|one\ more\ thing|yes|yeah)\b[\s,.:!-]*
        | (?:can|could|will|would)\ (?:you|u|ya)\ (?:please\ |just\ |kindly\ |maybe\ |possibly\ )*
        | (?:i'd|i\ would|we'd|i)\ (?:really\ |just\ |also\ |only\ )*(?:like|love|want|need)\ you\ to\ (?:please\ |also\ )*
        | (?:i|we)\ want\ to\ ask\ you\ to\ 
        | you\ (?:can|could|should|must|may|might\ want\ to|need\ to|have\ to|ought\ to)\ (?:please\ |also\ |now\ |safely\ )*
        | (?:make\ sure|be\ sure|try)\ (?:that\ )?(?:you\ |to\ )
        | let's\ 
        | (?:it\ would\ be\ (?:great|nice|good|helpful|lovely)|(?:i'd|i\ would)\ (?:love|like|appreciate)\ it)\ if\ you\ (?:could\ |would\ |can\ )?(?:please\ |also\ )*
        | it(?:'s|\ is)\ important\ (?:that\ you\ |to\ )
        | would\ you\ mind\ 
        )+";
    /// Lets something go; asks nothing of memory.
    LETS_GO = r"^(?:(?:oh|ah|no|ok|okay|well|just|please),? )*(?:forget (?:it|about it|i (?:said|asked|mentioned) (?:anything|it|that))|never ?mind)\b(?:[.,! -]+(?:it's |i |that's |not |just |thanks|no |doesn't |let's ).*|[.!, ]*)$";
    /// Speaks of remembering, and asks.
    RECALL_TRAP = r"(?x)
        \b(?:do|did|don't|didn't|would|have)\ (?:you|u)\ (?:still\ |also\ |even\ |ever\ |happen\ to\ |maybe\ |already\ )*(?:remember|recall|know|forget|forgotten|have)\b.*\b(?:i|i'm|my|me|we|our|us|mine)\b
        | \b(?:do|did)\ (?:you|u)\ (?:still\ |even\ )?(?:remember|recall)\b
        | \b(?:i|we)\ (?:really\ |just\ |simply\ |honestly\ )*(?:can't|cannot|can\ not|don't|do\ not|couldn't|didn't|never|no\ longer)\ (?:quite\ |really\ |even\ |seem\ to\ |exactly\ )*(?:remember|recall)\b
        | \bi\ (?:have\ |'ve\ |just\ |totally\ |completely\ |always\ )*(?:forgot|forgotten|forget)\b
        | ^i've\ forgotten\b
        | ^remember\ (?:when|how\ we|the\ (?:time|day|night)|that\ time)\b
        | \bremind\ me\ (?:again\ )?(?:,\ )?(?:what|who|where|when|which|how|why|of\ (?:the|my|our)\ \w+\??$)";
    /// A question by its first word.
    QUESTION = r"^(?:what|what's|whats|who|who's|where|where's|when|when's|why|how|how's|which|whose|is|are|was|were|does|did|do you|do i|do we|have you|am i|should i|should we|may i|can i|could i|how's)\b";
    /// Orders to tell or show something.
    TELL_ME = r"^(?:show|tell|give|find|get|bring|read|list|look|search|check|fetch|pull|open|which|in which|in what|on what|on which|at what|for how|until when|since when|by when|from when|to whom|with whom|any idea|i need to know)\b";
    /// Asks or tells; what follows says which.
    WHETHER_REMEMBERED = r"^remember (.*)$";
    /// What is asked for.
    ASKED_PART = r"^(?:what|who|where|when|which|why|how)\b.*\b(?:i|we) (?:said|told|mentioned|talked|asked|wanted)\b";
    /// A clause with a verb that tells something.
    TELLS = r"(?::|^(?:that|this|to|not to|i|i'm|i've|we|we're|i'll|i'd)\b|\b(?:is|are|was|were|has|have|'m|am|will|can|can't|likes?|loves?|hates?|prefers?|needs?|lives?|works?)\b|'s (?:a|an|the|on|at|in|called|named|not|\d)\b)";
    /// "Don't forget" is to remember.
    NOT_TO_FORGET = r"^(?:don't|do not|dont|never|you (?:mustn't|shouldn't|must not|should not|can't|cannot)|not to|(?:so )?let's not|mustn't) (?:ever |you )?forget\b|\bdon't let me forget\b|[,;-] (?:and |so |please |but )*(?:don't|do not|dont|never) (?:ever )?forget\b";
    /// Asks to forget.
    FORGET = r"(?x)
        ^forget\b
        | [,;]\ (?:so\ |and\ |please\ |you\ can\ |can\ you\ |could\ you\ )*forget\ (?:that|it|about|my|the|what|everything|this|all)\b
        | ^(?:unlearn|unremember|disregard)\b
        | ^(?:delete|erase|remove|wipe|drop|clear|purge|scrap|discard|scratch|strike|cross\ out|get\ rid\ of|throw\ (?:away|out)|take|eliminate|trash|dump)\b.*(?:\b(?:memory|memories|memorised|memorized|remember|remembered|notes?|records?|entry|entries|facts?)\b|\b(?:you|u)\ (?:know|have|stored|saved|remember|kept|noted|wrote|'ve)\b|\bi\ (?:told|said|gave|mentioned|shared)\b)
        | ^(?:delete|erase|remove|wipe|drop|purge|scrap|scratch|unlearn)\ (?:that\ (?:i|i'm|my|we|our)|everything|all\ (?:of\ )?(?:that|it|you)|what\ (?:you|i)|the\ (?:thing|bit|part|info|information|fact|detail|details|reminder)|my\ \w+(?:\ \w+)?(?:\ please)?[.!]?$)
        | ^(?:don't|do\ not|dont|no\ longer|stop|quit|never|(?:there's\ |there\ is\ )?no\ need\ to|no\ need\ for\ you\ to|(?:you\ )?(?:don't|do\ not|needn't|no\ longer)\ (?:need\ to\ |have\ to\ |need\ )?)\ ?(?:remember(?:ing)?|keep(?:ing)?\ (?:track\ of\ |hold\ of\ )?(?:my|the|that|what|our|any|this|his|her|their|it)\b|stor(?:e|ing)|sav(?:e|ing)|track(?:ing)?|memori[sz](?:e|ing))
        | \b(?:i|we)\ (?:don't|do\ not|no\ longer|never)\ (?:want|need|wish)\ (?:for\ )?you\ to\ (?:keep\ )?(?:remember(?:ing)?|know(?:ing)?|keep|stor(?:e|ing)|sav(?:e|ing)|hold|have)
        | \b(?:i\ want|i'd\ like|i\ would\ like)\ .*\b(?:removed|deleted|erased|forgotten|wiped|gone)\b
        | ^you\ (?:no\ longer|don't)\ (?:need|have)\ to\ (?:remember|know|keep|store)";
    /// Asks to keep a text for later.
    ARCHIVE = r"(?x)
        ^(?:archive|stash|bookmark|file)\b
        | ^(?:save|store|keep|put|log|record|write|add|hold\ on\ to|hang\ on\ to|set\ aside|tuck|copy|place|move|dump|file|preserve)\b.*\b(?:for\ (?:later|future|another\ time|safekeeping|safe\ keeping|next)|(?:in|into|to|in\ to)\ (?:the\ |your\ |my\ )?(?:archive|archives|archival|long[\ -]term|storage)|away)\b
        | ^(?:save|store|log|record|preserve)\ (?:this|these|that|the\ following|it|the|an?|my|our|some|all|for)\b
        | ^keep\ (?:a\ copy|this|these|the\ following|hold\ of\ this)\b
        | ^here(?:'s|\ is|\ are)\b.*\b(?:to\ (?:save|store|archive|keep)|for\ (?:the|your)\ archive)\b
        | \bi(?:'d\ like|\ want|\ would\ like|\ need|'d\ love)\ to\ (?:save|store|archive|keep|file|log|put)\b
        | [,.;]\ (?:please\ )?(?:save|store|archive|keep|file)\ (?:this|that|it)\ (?:for\ later|away|for\ me|please|in\ (?:the|your)\ archive)
        | \b(?:add|put|save|store|write|commit|remember|note)\b.*\b(?:archive|archival\ memory|long[\ -]term\ (?:memory|storage))\b";
    /// Words of the archive for a fact of core memory, or for a file.
    NOT_TO_ARCHIVE = r"^(?:save|store|put|add|record|keep|log) (?:it |this |that |the fact )?(?:(?:in|into|to) (?:your |my |the )?(?:memory|mind|notes|core memory)\b|that (?:i|my|we|our|i'm)\b|the fact\b)|\bkeep (?:this |that |it )?in mind\b|^keep (?:this|that|it) (?:short|up|simple|going|quiet|between)\b|^save the (?:file|date|day|world|document)\b|\bsave (?:me|money|time|energy)\b|^file (?:is|was|a|for)\b|^(?:note|write) (?:that|this|it) down\b";
    /// Asks to correct.
    CORRECT = r"(?x)
        ^(?:(?:small|minor|one|quick|slight)\ )?correction\b
        | ^(?:correct|amend|rectify)\ (?:that|this|it|my|your|the|our|what)\b
        | ^(?:update|change|edit|fix|adjust|modify|replace)\ (?:my|our|that|this|your\ (?:notes?|memory|records?)|the\ (?:note|entry|fact|memory)|what\ you)\b
        | ^actually\b.*,\ (?:and\ )?not\b
        | ^(?:that's|that\ is|this\ is|that\ was)\ (?:wrong|not\ right|incorrect|not\ correct|outdated|out\ of\ date|not\ true|no\ longer\ (?:true|right|correct)|an?\ (?:mistake|error))\b[,.;:\ -]+(?:my|i|i'm|it's|the|our|we|his|her)\b
        | ^(?:you|u)(?:'ve|\ have)?\ (?:got|have|had|remembered|noted|wrote\ down|misremembered)\b.*\b(?:wrong|incorrect(?:ly)?|outdated|old)\b";
    /// Asks to remember.
    REMEMBER = r"(?x)
        ^(?:always\ |never\ forget\ |to\ )?(?:remember|memori[sz]e|note|learn\ this|keep\ in\ mind|bear\ in\ mind|take\ note|make\ (?:a\ )?(?:mental\ )?note|take\ a\ note|jot|note\ down|commit\ .*to\ memory)\b
        | ^(?:write|put|take)\ (?:this\ |that\ |it\ |the\ following\ )?down\b
        | ^keep\ .*\bin\ (?:mind|memory)\b
        | ^(?:remind\ me\ (?:to|that)|keep\ track\ of)\b
        | ^(?:add|save|store|put|record|write|log)\ .*\b(?:to|in|into|on)\ (?:your|my|the)\ (?:memory|notes?|mind|core\ memory|records?)\b
        | ^(?:save|store|record|add|log)\ (?:that\ (?:i|my|we|our|i'm)|the\ fact)\b
        | \bfor\ (?:future\ reference|the\ record)\b
        | [,;:-]\ (?:and\ |so\ |but\ |can\ you\ |could\ you\ |you\ should\ |will\ you\ )*(?:please\ |pls\ )*(?:remember|note|keep|bear|write|jot|memori[sz]e)\ (?:that|this|it|(?:that\ |this\ |it\ )?(?:down|in\ mind)|for\ me|please)\b
        | [,;:-]?\ (?:and|so|please)\ (?:please\ )?remember\ (?:that|this|it|my|our|i)\b
        | \b(?:i|we)\ (?:want|need|would\ like|'d\ like)\ you\ to\ (?:remember|know|note|keep\ in\ mind)\b
        | ^(?:you\ )?(?:should\ |need\ to\ |must\ )?know\ that\b
        | \bthing\ (?:you\ should|to)\ (?:remember|know|note)\b";
    /// Asks to search.
    ASKS_TO_SEARCH = r"^(?:look up|look (?:for|through|in|into) (?:my|our|your)\b|search (?:for (?:my|our|what)|my|our|your|the archive|memory)\b|check (?:your|the) (?:notes|memory|archive)|pull up|dig (?:up|out)|find (?:what|when|where|my|our|in)\b)";
    /// Asks about remembering as such.
    ABOUT_MEMORY = r"\b(?:remember|forget|recall|memori[sz]e) (?:things|stuff|everything|anything|names|people|much|well|all)\b[^,]*\?*$|^(?:how|why) (?:do|does|can|could|will|would|long)\b.*\b(?:remember|forget|recall)\b";
    /// Takes something back beyond doubt.
    SURELY_TAKES_BACK = r"(?x)
        ^(?:i'm|i\ am|i|we|my|our|the|it|it's)\b.*\b(?:no\ longer|any\ ?more)\b.*[,;.]\ (?:but\ |and\ |now\ )*(?:i|i'm|i've|we|we're|my|it's|it|he|she|they)\b
        | ^(?:it's|it\ is|that's|my|our|the|his|her)\b.*\b(?:not|isn't|aren't|wasn't)\b.*,\ (?:it's|it\ is|but|rather|he's|she's)\ 
        | \b(?:doesn't|does\ not|isn't|is\ not|didn't)\b.*,\ (?:he|she|they|it|he's|she's|it's)\b
        | \b(?:is|are|am|was|were|'m|'s)\ actually\b
        | \b(?:moved|changed|switched|went|rescheduled|postponed)\ from\ .*\ to\b
        | ^(?:sorry,?\ )?i\ meant\b";
    /// Asks for something remembered or said, less surely than a trap.
    RECALL = r"(?x)
        \b(?:did|have|had)\ (?:i|we)\ (?:ever\ |already\ |just\ )?(?:say|said|tell|told|mention|mentioned|talk|talked|discuss|discussed|speak|spoken|decide|decided|agree|agreed|save|saved|store|stored|write|written|ask|asked|note|noted)\b
        | ^(?:show|tell|give|find|get|bring|read|open|list)\b.*\b(?:i|we)\ (?:said|told|mentioned|saved|stored|gave|noted|archived|kept|filed|wrote|sent)\b
        | \b(?:that|what|which|where|when|who|whom)\ (?:i|we)\ (?:said|told|mentioned|talked|discussed|saved|stored|gave|noted|asked|archived|kept|wrote)\b
        | \b(?:what|who|where|when|which|how)\b.*\bdid\ (?:i|we)\ (?:say|tell|mention|talk|discuss|save|store)\b
        | ^(?:look\ up|look\ (?:in|through|into|for)|search|search\ for|check|pull\ up|dig\ (?:up|out)|browse|scan|go\ through|find|fetch|retrieve)\b.*\b(?:my|our|your|i|we|the\ archive|archive|notes?|memory|chats?|conversations?|history)\b
        | ^(?:what's|what\ is|who's|who\ is|when's|when\ is|where's|where\ is|what\ are|who\ are|what\ was|who\ was|when\ was|where\ was|when\ are|where\ are|what\ were)\ (?:my|our|mine)\b
        | ^(?:who|whose|where|when|which|what)\b.*\b(?:do|am|did|was|have|does|is|are)\ (?:i|my|we|our)\b
        | ^(?:am|do|did|was|have)\ (?:i|we)\b.*\?
        | ^how\ (?:many|much|old|tall|big|heavy|long)\b.*\b(?:i|my|we|our)\b
        | ^tell\ me\ (?:my|our|what\ (?:you|i)|about\ (?:my|me|our)|who\ (?:my|i)|when\ (?:my|i)|where\ (?:my|i))\b
        | \bwhat\ (?:do|did|have)\ (?:you|u)\ (?:know|remember|got|have|noted|store|stored|learn|learned|learnt|saved?|kept?)\b
        | \b(?:have|has)\ (?:you|u)\ (?:got\ )?(?:stored|saved|kept|noted|archived)\b
        | \b(?:in|from)\ (?:your|the|my)\ (?:archives?|notes|memory)\b.*\?
        | \b(?:do|have)\ you\ (?:have|got|know|still)\b.*\b(?:my|our|me|i)\b
        | ^remind\ me\ (?:of|about|again)\b";
    /// Takes something back, without naming memory.
    TAKES_BACK = r"(?x)
        ^(?:actually|no|nope|wait|hm+|correction|sorry|oops|hold\ on|my\ mistake|my\ bad)\b.*\b(?:my|our|i'm|i\ am|i|it's|it\ is|i\ meant|the|his|her|we)\b.*(?:,\ not\b|\bnot\b|\bnow\b|\binstead\b|\bmeant\b|\b(?:is|are|was|live|work|called|named|leaves?|starts?)\b)
        | \bi\ meant\b
        | \bi\ (?:misspoke|made\ a\ mistake|was\ wrong|mixed\ (?:it|that|them)?\ ?up|got\ (?:it|that|this)\ wrong|gave\ you\ the\ wrong)\b
        | \b(?:it's|it\ is|isn't|is\ not|not|wasn't|aren't)\b.*,\ (?:it's|it\ is|but|rather)\b
        | \b(?:is|are|was|on|at|in|called|named|to|'s|for|with)\b.*,\ (?:and\ )?not\b
        | \b(?:i|we)\ (?:no\ longer|don't|do\ not|am\ not|'m\ not|didn't)\b.*\b(?:any\ ?more|but|now)\b
        | \b(?:i'm|i\ am|we're|it's|is|isn't|aren't|don't|doesn't)\b.*\bany\ ?more\b,?.*\b(?:i|it's|now|it|but|my|we)\b
        | \b(?:has\ changed|have\ changed|was\ moved|got\ moved|is\ moved|been\ (?:moved|rescheduled|postponed|changed)|changed,|changed\ (?:my|to|from)|switched\ (?:from|to)|out\ of\ date|outdated)\b
        | \b(?:you|u)(?:'ve|\ have)?\ (?:got|have|misremembered|misheard|misunderstood)\b.*\bwrong\b
        | ^(?:that's|that\ is|this\ is)\ (?:wrong|not\ right|incorrect|not\ correct|outdated|not\ true)\b
        | ^(?:make|change)\ (?:that|it)\b
        | ^not\ \w+(?:\ \w+)?,\ \w+
        | \bit\ turns\ out\b";
    /// Asks for something of the user's.
    ABOUT_THE_USER = r"(?x)
        ^(?:what|who|where|when|which|whose|how\ (?:old|many|much|tall|long|often|far|heavy|big))(?:'s|\ (?:[\w'-]+\ )??(?:is|are|was|were|does|do|did|has|have|will))\ (?:my|our)\b
        | ^(?:is|are|was|were|does|do|did|has|have|will)\ (?:my|our)\b
        | ^(?:am|was)\ i\b
        | ^(?:do|did|have|had)\ (?:i|we)\b
        | ^(?:what|who|where|when|which|how\ (?:many|much|often|long))\b.*\b(?:am|do|did|was|have)\ i\b
        | ^(?:what|when|which|how\ much|how\ many|how\ long)\b.*\bdid\ (?:the|my|our)\ (?:[\w'-]+\ ){1,3}(?:say|said|tell|quote|want|charge|ask|offer|promise|recommend|suggest|mention|write|send|need|advise|prescribe|think)\b
        | ^who\ am\ i\b";
    /// Tells something of somebody by name.
    OF_SOMEBODY = r"^(\p{Lu}[\w-]+)(?:'s \w+)? (?:is|has|had|was|lives?|works?|likes?|loves?|hates?|moved|plays?|turned|turns|got|starts?|started|goes|studies|wants?|needs?|prefers?|speaks?|can't|cannot|doesn't|died|married|just)\b";
    /// Tells something of a thing.
    OF_SOMETHING = r"^(?:(?:and|but|so|oh|now|actually),? )*(?:the|my|our|his|her|their) ([\w' -]{2,40}?) (?:is|are|costs?|starts?|ends?|leaves?|opens?|closes?|moved|was moved|changed|has changed)\b";
    /// "Hi, I'm Tess": after a greeting it is a name.
    INTRODUCES = r"^(?i:hi|hey|hello|hiya|good morning|good evening|good afternoon)(?i: there)?[,.!]*\s+(?i:i'm|i am|this is)\s+(\p{Lu}[\w-]+)\b";
    /// Gives the assistant a name.
    NAMES_THE_ASSISTANT = r"^(?:from now on,? |now )?(?:your (?:new )?name(?: is|'s| should be| will be)(?: now)?|you(?: are|'re) (?:now )?called|i(?:'ll| will| am going to|'m going to| want to) call you|let me call you) [\w'-]+(?: [\w'-]+)?(?: from now on| now)?[.!]*$";
    /// A new day, time or number, for what was spoken of.
    CORRECTS_BY_VALUE = r"^(?:actually|no|nope|wait|sorry|correction|oops|hm+|i meant)?[,. ]*(?:no|sorry|wait|actually)?[,. ]*(?:it's|it is|it was|it should be|that's|that should be|make (?:it|that)|i meant)(?: actually| now| on| at)* (?:(?:on|at|the|next|this|in) )*(?:(?:mon|tues|wednes|thurs|fri|satur|sun)day|tomorrow|january|february|march|april|may|june|july|august|september|october|november|december|\d)[^?]*$";
    /// Asks how something is done.
    HOW_TO = r"\b(?:do|can|should|could|would|have) (?:i|we) (?:need|have to|do|fix|make|get|find|use|say|write|go about|know if|tell if|start|set|change|turn|open|install)\b|^how (?:do|can|should|could|would)\b";
    /// States a fact about who says it.
    STATES = r"(?x)
        ^(?:my\ name\ is|my\ name's|call\ me|people\ call\ me|i'm\ called|from\ now\ on)\b
        | ^(?:my|our)\b.*\b(?:is|are|was|were|has|have|lives?|works?|likes?|loves?|hates?|plays?|starts?|leaves?|ends?|comes?|came|runs?|died|called|named|broke|got|needs?|expires?)\b
        | \bi(?:'m|\ am)\ (?:allergic|vegetarian|vegan|from|a|an|married|divorced|single|\d+|born|left|right|diabetic|learning|studying|working|living|training|called|afraid|scared)\b
        | \b(?:i|we)\ (?:always\ |usually\ |really\ |never\ |only\ |just\ |recently\ |also\ |mostly\ )*(?:live|work|prefer|like|love|hate|drive|play|study|speak|own|adopted|moved|bought|was\ born|were\ born|grew\ up|have|drink|eat|wear|use|got|quit|started|support|volunteer|weigh|don't\ (?:eat|drink|like)|can't\ (?:eat|drink|stand|have))\b";
}
