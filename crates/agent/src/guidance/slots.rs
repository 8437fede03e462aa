//! Lines that cannot both be true: "The user lives in Bergen." and "The user moved to Oslo."
//!
//! People rarely say that something changed; they say how it is now. Where the subject and what is said of it are surely
//! the same (where somebody lives or works, a number, a name of which there is one, liking and disliking, having and
//! having sold), the new line takes the old one's place. Everything else may be true beside the old line and is kept
//! beside it: two dogs, two sisters, two evenings with yoga.

use super::correction::SORTS;
use super::patterns::patterns;
use super::words::{content_stems, words};

/// How a new line changes an old one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Change {
    /// It takes its place.
    Whole,
    /// The line stays but for one value, since it tells more than that.
    Value(String),
}

patterns! {
    /// Where somebody lives.
    LIVES = r"(?i)^(?P<who>.+?) (?:now |currently |still )?(?:lives?|is living|are living|is based|resides?|has moved|have moved|moved|relocated)(?: now| back)?(?: in| to| at| on)+ (?P<value>.+)$";
    /// Where somebody works.
    WORKS = r"(?i)^(?P<who>.+?) (?:now |currently |still )?(?:works?|is working|are working|started working|has started working|got a (?:new )?job|has a (?:new )?job|started a (?:new )?job)(?: now)?(?: as an? [^,.]+?)?(?: at| for) (?P<value>.+)$";
    /// As what somebody works.
    ROLE = r"(?i)^(?P<who>.+?) (?:now |currently )?(?:works?|is working|are working)(?: now)? as (?P<value>.+)$";
    /// Something of which there is one, and its value.
    ONLY = r"(?i)^(?P<who>(?:.+'s|the) (?:[\w-]+ )*?(?:name|surname|nickname|username|number|phone|address|e-?mail|birthday|rent|salary|height|weight|size|pin|code|combination|password|passcode|passphrase|key ?word|deadline|favou?rite(?: [\w-]+)+))(?: is| are| was changed to| has changed to| have changed to| changed to)(?: now| actually)? (?P<value>.+)$";
    /// Somebody of whom there is one, by name.
    PERSON = r"(?i)^(?P<who>.+'s (?:[\w-]+ )*?(?:boss|manager|wife|husband|spouse|partner|girlfriend|boyfriend|fianc[eé]e?|mother|mum|mom|father|dad|landlord|landlady|dentist|doctor|gp|therapist|dog walker|cleaner|accountant|lawyer|hairdresser))(?: is| are)(?: now)?(?: called| named)? (?P<value>.+)$";
    /// A name.
    NAME = r"^(?:(?:Dr|Mr|Mrs|Ms|Prof)\.? )?\p{Lu}[\w'-]*(?: \p{Lu}[\w'.-]*){0,2}$";
    /// One of a few that exclude each other.
    STATE = r"(?i)^(?P<who>.+?) (?:is|are|got|has got)(?: now| newly| recently)? (?P<value>single|married|divorced|engaged|widowed|separated|vegetarian|vegan|a vegetarian|a vegan|pescatarian|pregnant)\b.{0,40}$";
    /// How old somebody is.
    AGE = r"(?i)^(?P<who>.+?) (?:is|are|turned|just turned|turns)(?: now)? (?P<value>\d{1,3}|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen|eighteen|nineteen|twenty)(?: years old| years of age| now| today| yesterday)*$";
    /// Liking.
    LIKES = r"(?i)^(?P<who>.+?) (?:now |really |also )*(?:likes?|loves?|enjoys?|adores?) (?P<value>.+)$";
    /// Disliking.
    DISLIKES = r"(?i)^(?P<who>.+?) (?:now |really )*(?:doesn't like|does not like|don't like|dislikes?|hates?|can't stand|no longer likes?|no longer loves?|no longer enjoys?|doesn't enjoy|does not enjoy|went off) (?P<value>.+?)(?: any ?more| now)?$";
    /// Having one.
    HAS = r"(?i)^(?P<who>.+?) (?:has|have|owns?|drives?|rides?|bought|got) (?:an?|the|one|their|his|her|the user's) (?P<value>.+)$";
    /// Having it no more.
    LOST = r"(?i)^(?P<who>.+?) (?:has |have |just |recently )*(?:sold|gave away|given away|got rid of|no longer has|no longer have|no longer owns?|no longer drives?|doesn't have|don't have|doesn't own|don't own) (?:an?|the|one|their|his|her|the user's) (?P<value>.+?)(?: any ?more| now)?$";
    /// Doing something.
    DOES = r"(?i)^(?P<who>.+?) (?P<value>(?:[\w-]+s|is|are)(?: .+)?)$";
    /// Doing it no more.
    STOPPED = r"(?i)^(?P<who>.+?) (?:has |have |just |recently |finally )*(?:stopped|quit|gave up|given up|no longer|doesn't|does not|don't|isn't|is not|is no longer|are no longer) (?P<value>.+?)(?P<more> any ?more| now)?$";
    /// Where what else a line tells begins.
    REST = r"(?i),|;| (?:with|and|since|because|but|where|as|who|which|near|until|from)\b";
    /// A rest that was true of the old value only.
    LAPSED = r"(?i)^,? (?:since|from|until|as of|near)\b[^,;]*$";
    /// A time at the end.
    WHEN = r"(?i) (?:yesterday|today|recently|this (?:morning|week|month|year)|last (?:night|week|month|year|\w+day)|on \w+day|\w+ (?:days?|weeks?|months?|years?) ago)$";
    /// A verb of which a thing has one value: its rent is, its train leaves.
    ONE_VALUE = r"(?i)^the user's .*\b(?:is|are|starts?|ends?|begins?|leaves?|arrives?|costs?|opens?|closes?|expires?|weighs?|turns?)\b";
}

/// How the memory `new` changes the memory `old`, where both cannot be true.
pub(super) fn change(old: &str, new: &str) -> Option<Change> {
    let old = old.trim().trim_end_matches('.');
    let new = new.trim().trim_end_matches(['.', '!']);
    places(old, new)
        .or_else(|| values(old, new).then_some(Change::Whole))
        .or_else(|| opposites(old, new).then_some(Change::Whole))
        .or_else(|| one_value(old, new).then_some(Change::Whole))
}

/// Where somebody lives or works. What else the old line tells stays.
fn places(old: &str, new: &str) -> Option<Change> {
    [&LIVES, &WORKS, &ROLE].into_iter().find_map(|slot| {
        let (was, is) = (slot.captures(old)?, slot.captures(new)?);
        if !same_words(&was["who"], &is["who"]) || REST.is_match(&was["who"]) {
            return None;
        }
        let range = was.name("value")?.range();
        let old_end = REST.find(&old[range.clone()]).map_or(range.end, |rest| range.start + rest.start());
        let new_value = &*WHEN.replace(&is["value"], "");
        let new_value = &new_value[..REST.find(new_value).map_or(new_value.len(), |rest| rest.start())];
        if same_words(&old[range.start..old_end], new_value) {
            return None;
        }
        let rest = &old[old_end..];
        let told_before = &old[..range.start];
        // "works as a nurse at": the new line does not say that this changed.
        let tells_role = told_before.contains(" as a") && !new.contains(" as a");
        Some(if (rest.is_empty() || LAPSED.is_match(rest)) && !tells_role {
            Change::Whole
        } else {
            let rest = if LAPSED.is_match(rest) { "" } else { rest };
            let without_now = new_value.trim_end_matches(" now").trim_end();
            Change::Value(format!("{}{without_now}{rest}.", &told_before))
        })
    })
}

/// Numbers, names and states of which there is one.
fn values(old: &str, new: &str) -> bool {
    let of = |slot: &regex::Regex, admits: &dyn Fn(&str) -> bool| {
        let (Some(was), Some(is)) = (slot.captures(old), slot.captures(new)) else { return false };
        same_words(&was["who"], &is["who"])
            && (!same_words(&was["value"], &is["value"]) || is_better_spelt(&is["value"], &was["value"]))
            && admits(&was["value"])
            && admits(&is["value"])
    };
    of(&ONLY, &|_| true)
        || of(&PERSON, &|value| NAME.is_match(value.trim()))
        || of(&STATE, &|_| true)
        || of(&AGE, &|_| true)
}

/// Liking and disliking, having and having sold, doing and having stopped, of the same.
fn opposites(old: &str, new: &str) -> bool {
    // When it was sold says nothing of what.
    let new = &*WHEN.replace(new, "");
    let both = |first: &regex::Regex, second: &regex::Regex, agree: &dyn Fn(&str, &str) -> bool| {
        let (Some(was), Some(is)) = (first.captures(old), second.captures(new)) else { return false };
        same_words(&was["who"], &is["who"]) && agree(&was["value"], &is["value"])
    };
    let equal = |was: &str, is: &str| !content_stems(was).is_empty() && content_stems(was) == content_stems(is);
    let part = |was: &str, is: &str| {
        let stems = content_stems(was);
        let lost = content_stems(is);
        !lost.is_empty() && lost.iter().all(|stem| stems.contains(stem))
    };
    let liked_now = DISLIKES.is_match(old) && !DISLIKES.is_match(new);
    both(&LIKES, &DISLIKES, &equal)
        || liked_now && both(&DISLIKES, &LIKES, &equal)
        || !LOST.is_match(old) && both(&HAS, &LOST, &part)
        || !LOST.is_match(new) && both(&LOST, &HAS, &equal)
        || !STOPPED.is_match(old) && both(&DOES, &STOPPED, &equal)
}

/// Two lines of the same words but for one day, time or number.
fn one_value(old: &str, new: &str) -> bool {
    if !ONE_VALUE.is_match(old) || !ONE_VALUE.is_match(new) {
        return false;
    }
    let frame = |line: &str| {
        let mut frame = super::dates::undated(line).to_lowercase();
        let mut values = 0;
        for sort in SORTS.iter() {
            values += sort.find_iter(&frame).count();
            frame = sort.replace_all(&frame, "#").into_owned();
        }
        let kept = |word: &String| !matches!(word.as_str(), "now" | "next" | "this" | "actually");
        (frame.split_whitespace().map(str::to_owned).filter(kept).collect::<Vec<_>>(), values)
    };
    let ((old_frame, old_values), (new_frame, new_values)) = (frame(old), frame(new));
    old_values > 0 && old_values == new_values && old_frame == new_frame
}

/// A name that had no capital gets one.
fn is_better_spelt(new: &str, old: &str) -> bool {
    let capital = |text: &str| text.starts_with(char::is_uppercase);
    capital(new) && !capital(old)
}

/// Whether two parts of lines have the same words of meaning, or are the same where they have none ("the user").
fn same_words(one: &str, other: &str) -> bool {
    let (stems, others) = (content_stems(one), content_stems(other));
    if stems.is_empty() && others.is_empty() { words(one) == words(other) } else { stems == others }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(old: &str, new: &str, after: Option<&str>) {
        let changed = change(old, new).map(|change| match change {
            Change::Whole => new.to_owned(),
            Change::Value(line) => line,
        });
        assert_eq!(changed.as_deref(), after, "{old} + {new}");
    }

    #[test]
    fn what_cannot_both_be_true_is_replaced() {
        for (old, new) in [
            ("The user's sister lives in Bergen.", "The user's sister moved to Stavanger."),
            ("The user lives in Ghent.", "The user now lives in Antwerp."),
            ("The user works at the post office.", "The user now works at Ikea."),
            ("The user works as a baker.", "The user works as a driver now."),
            ("The user's name is Robin.", "The user's name is Nick."),
            ("The user's name is ida.", "The user's name is Ida."),
            ("The locker code is 2281.", "The user's locker code is 2282 now."),
            ("The user's rent is 800.", "The user's rent is 900."),
            ("The user's phone number is 555 0100.", "The user's phone number is now 555 0199."),
            ("The user's favourite drink is tea.", "The user's favourite drink is cider."),
            ("The user's boss is Anna.", "The user's boss is Tom."),
            ("The user is single.", "The user is married now."),
            ("Leo is seven.", "Leo is eight now."),
            ("The user is vegetarian.", "The user is vegan now."),
            ("The user likes jazz.", "The user doesn't like jazz any more."),
            ("The user hates olives.", "The user loves olives now."),
            ("The user has a red Volvo.", "The user sold the user's Volvo."),
            ("The user drives a blue Skoda.", "The user sold the user's Skoda yesterday."),
            ("The user smokes.", "The user quit smoking."),
            ("The user plays the piano.", "The user no longer plays the piano."),
            ("The user's dentist appointment is on Tuesday.", "The user's dentist appointment is on Thursday."),
            ("The user's train leaves at 8:15.", "The user's train leaves at 7:45."),
        ] {
            check(old, new, Some(new));
        }
    }

    #[test]
    fn what_else_a_line_tells_stays() {
        check(
            "The user lives in Ghent with a parrot.",
            "The user moved to Mons last week.",
            Some("The user lives in Mons with a parrot."),
        );
        check(
            "The user lives in Bergen with two cats.",
            "The user moved to Oslo.",
            Some("The user lives in Oslo with two cats."),
        );
        check(
            "The user works as a nurse at Mercy hospital.",
            "The user now works at St Luke.",
            Some("The user works as a nurse at St Luke."),
        );
        check("The user lives in Ghent since 2010.", "The user lives in Mons.", Some("The user lives in Mons."));
    }

    #[test]
    fn what_may_both_be_true_is_kept() {
        for (old, new) in [
            ("The user's sister lives in Bergen.", "The user moved to Stavanger."),
            ("The user's sister lives in Bergen.", "The user's sister is a nurse."),
            ("The user's dog is called Rex.", "The user's dog is called Max."),
            ("The user has yoga on Tuesday.", "The user has yoga on Thursday."),
            ("The user's wife is Anna.", "The user's wife is pregnant."),
            ("The user likes tea.", "The user likes coffee."),
            ("The user likes jazz.", "The user doesn't like rock."),
            ("The user has two cats.", "The user lost a cat."),
            ("The user has a bike.", "The user has a car."),
            ("The user was born in Porto.", "The user lives in Lisbon."),
            ("The user is 40.", "The user is tall."),
            ("The user works at Ikea.", "The user works at Ikea."),
            ("The user's car is red.", "The user's car is a Volvo."),
            ("The user's name is Nick.", "The user's dog's name is Rex."),
            ("The user's home address is Elm Street 5.", "The user's work address is Oak Street 9."),
            ("The user's favourite drink is tea.", "The user's favourite food is rice."),
            ("The user plays chess.", "The user no longer plays tennis."),
        ] {
            check(old, new, None);
        }
    }
}
