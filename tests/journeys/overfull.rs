//! Everything at once: names of sixty characters without a space, twenty-four agents, twenty blocks, five thousand
//! messages, right-to-left text, emoji, two hundred lines of code. And how it scrolls.

use std::fs;
use std::iter::once;

use resident_tests::artefacts;
use resident_tests::home::Home;
use serde_json::json;

use crate::machine;
use crate::page::Page;
use crate::profile::{Unopened, converse};

const LONG_NAME: &str = "Donaudampfschifffahrtsgesellschaftskapitänsmützenabzeichenxx";
const ARABIC: &str = "تذكّر أنني أفضّل الوضع الداكن، وأنني أكتب أحيانًا بالعربية.";
const HEBREW: &str = "זכור שאני גר בחיפה ועובד מהבית.";
const EMOJI: &str =
    "Explain it once more, but shorter 🙏🏽 and with an example that a child would understand 👩\u{200d}👧\u{200d}👦";

const ANSWERS: [&str; 5] = [
    "Three things: the dentist at **9:40**, a call with Hanne, and the second part of the novel.",
    "- one\n- two\n  - two and a half\n- three\n\n> A quote that someone said once and that is long enough to go over \
     more than one line of the column.",
    "نعم، سأتذكّر ذلك.",
    "| What | When | How much |\n|---|---|---|\n| Rent | 1st | 12,400 kr |\n| Power | 15th | 1,180 kr |",
    "Here is a longer one. It has a paragraph that goes on for a while, as answers do when the question was not quite \
     clear and the one who answers would rather say too much than too little.\n\nAnd a second paragraph. ✅",
];

/// Of a scroll up through many pages, as quick as a wheel is turned: how long frames took, and how far what is being read
/// moved when it should have stayed.
const SCROLL: &str = "
    const answer = arguments[arguments.length - 1];
    const scroller = document.querySelector('.scroller');
    const frames = [];
    let pages = 0;
    let worstJump = 0;
    let height = scroller.scrollHeight;
    let last = performance.now();
    let anchor = null;
    // What a person sees is what stands there when the frame has been drawn.
    const drawn = new MessageChannel();
    drawn.port1.onmessage = () => {
      if (anchor?.row.isConnected) {
        worstJump = Math.max(worstJump, Math.abs(anchor.row.getBoundingClientRect().top - anchor.top));
      }
      const row = middle();
      anchor = row ? { row, top: row.getBoundingClientRect().top } : null;
    };
    const middle = () => {
      const place = scroller.getBoundingClientRect();
      return document.elementFromPoint(place.left + place.width / 2, place.top + place.height / 2)?.closest('[data-row]');
    };
    const frame = (now) => {
      frames.push(now - last);
      last = now;
      if (scroller.scrollHeight > height + 400) pages += 1;
      height = scroller.scrollHeight;
      if (frames.length > 240) {
        frames.sort((a, b) => a - b);
        const at = (share) => Math.round(frames[Math.floor(share * (frames.length - 1))]);
        answer({ frames: frames.length, median: at(0.5), p95: at(0.95), longest: at(1), pages, worstJump: Math.round(worstJump) });
        return;
      }
      const before = scroller.scrollTop;
      scroller.scrollTop = before - 120;
      if (anchor) anchor.top += before - scroller.scrollTop;
      drawn.port2.postMessage(0);
      requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);";

#[test]
fn a_profile_that_is_full_of_everything_is_still_calm() {
    let _machine = machine();
    let home = Home::new();
    fill(&home);
    let page = Page::in_window(&home);
    page.reads("compute(3");
    page.pictures("overfull");
    archive_and_why(&page);
    scrolls(&page);
    page.quit();
}

fn fill(home: &Home) {
    let profile = Unopened::of(home);
    let agent_id = profile.agent_id.clone();
    profile.call("updateAgent", json!({ "agentId": agent_id, "name": LONG_NAME }));
    let others = ["مساعدي الشخصي", "🦊 Fox with a long name that needs an ellipsis"].map(str::to_owned);
    for name in others.into_iter().chain((3..24).map(|at| format!("Agent {at}"))) {
        profile.call("createAgent", json!({ "name": name }));
    }
    let blocks = profile.call("listBlocks", json!({ "agentId": agent_id, "deleted": false }));
    let full = format!("{ARABIC}\n{HEBREW}\n{}", "A line about something that was said. ".repeat(30));
    profile.call("updateBlock", json!({ "blockId": blocks[1]["id"], "value": full }));
    for at in 2..20 {
        let label = if at == 2 { LONG_NAME.to_lowercase() } else { format!("block_{at}") };
        let value = format!("Line of block {at}.\n").repeat(1 + at % 9);
        let block = json!({ "agentId": agent_id, "label": label, "value": value, "limitChars": value.len().max(200), "readOnly": at % 5 == 4 });
        profile.call("createBlock", block);
    }
    for at in 0..60 {
        let text = if at % 7 == 0 {
            ARABIC.repeat(1 + at % 5)
        } else {
            format!("Passage {at}: {}", "something worth keeping, ".repeat(1 + at % 30))
        };
        let tags = [format!("tag-{}", at % 25), if at % 3 == 0 { LONG_NAME.to_owned() } else { "home".to_owned() }];
        profile.call("createPassage", json!({ "agentId": agent_id, "text": text, "tags": tags }));
    }
    profile.close();

    let said =
        ["What is on my list for tomorrow?", ARABIC, EMOJI, "ok", HEBREW, &"aVeryLongWordWithoutAnySpace".repeat(6)]
            .map(str::to_owned);
    let code: String =
        (0..200).map(|at| format!("  let line_{at} = compute({at}, \"{}\"); // {at}\n", "x".repeat(at % 40))).collect();
    let last = (String::from("Write out all two hundred lines."), format!("```rust\nfn main() {{\n{code}}}\n```"));
    let pairs = (0..2_500).map(|at: usize| (said[at % said.len()].clone(), ANSWERS[at % ANSWERS.len()].to_owned()));
    converse(home, &agent_id, pairs.chain(once(last)));
}

fn archive_and_why(page: &Page) {
    page.press("Archive");
    page.reads("60 passages");
    page.pictures("overfull-archive");
    page.press_at("(//ul[@aria-label='Agents']//button)[1]");
}

/// Scrolling up reads page after page. How long frames took and how far things moved is written down and not asserted:
/// tests share their computer with others.
fn scrolls(page: &Page) {
    let measured = page.driver().script_later(SCROLL, &[]).expect("the page scrolls");
    fs::write(artefacts().join("scrolling.json"), format!("{measured:#}\n")).expect("the figures can be written");
    assert!(measured["pages"].as_u64().is_some_and(|pages| pages >= 5), "pages were read: {measured}");
}
