//! Names of files that come with a file. They are names only and never paths on this computer, but someone saves such a
//! file one day, so a name that leads out of its folder, or that a system gives another meaning, is made harmless.

use std::borrow::Cow;

/// The longest name of one part, in bytes; what every file system takes.
const LONGEST: usize = 200;

/// `name` where it is harmless, and the nearest harmless name where it is not: a relative path with slashes, without
/// `..`, drive letters, control characters and names of devices.
pub fn safe_file_name(name: &str) -> Cow<'_, str> {
    let parts: Vec<Cow<'_, str>> = name
        .split(['/', '\\'])
        .filter(|part| !part.trim_matches(is_edge).is_empty() && !is_drive(part))
        .map(safe_part)
        .collect();
    let safe = parts.join("/");
    match safe.as_str() {
        "" => Cow::Borrowed("file"),
        safe if safe == name => Cow::Borrowed(name),
        _ => Cow::Owned(safe),
    }
}

/// What systems pass over at the ends of a name, so that nothing may be left of a part that is only this.
fn is_edge(c: char) -> bool {
    c == '.' || c.is_whitespace()
}

fn is_drive(part: &str) -> bool {
    let bytes = part.as_bytes();
    bytes.len() == 2 && bytes[0].is_ascii_alphabetic() && bytes[1] == b':'
}

fn safe_part(part: &str) -> Cow<'_, str> {
    let harmless = |c: char| !c.is_control() && !matches!(c, '<' | '>' | ':' | '"' | '|' | '?' | '*') && !is_hidden(c);
    let trimmed = part.trim_end_matches(is_edge).trim_start();
    let plain = trimmed.chars().all(harmless) && trimmed.len() <= LONGEST && !is_device(trimmed);
    if plain {
        return Cow::Borrowed(trimmed);
    }
    let mut safe: String = trimmed.chars().map(|c| if harmless(c) { c } else { '_' }).collect();
    if safe.len() > LONGEST {
        safe = shortened(&safe);
    }
    if is_device(&safe) {
        safe.insert(0, '_');
    }
    Cow::Owned(safe)
}

/// The name with its middle left out, so that its ending stays.
fn shortened(name: &str) -> String {
    let ending = name.rfind('.').map(|dot| &name[dot..]).filter(|ending| ending.len() <= 20).unwrap_or_default();
    let mut end = LONGEST - ending.len();
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}{ending}", name[..end].trim_end_matches(is_edge))
}

/// Whether Windows takes the name for a device, with any ending.
fn is_device(part: &str) -> bool {
    let stem = part.split('.').next().unwrap_or(part).trim_end();
    let numbered = |prefix: &str| {
        let number = stem.get(..3).filter(|start| start.eq_ignore_ascii_case(prefix)).and_then(|_| stem.get(3..));
        number.is_some_and(|number| {
            matches!(number, "1" | "2" | "3" | "4" | "5" | "6" | "7" | "8" | "9" | "¹" | "²" | "³")
        })
    };
    ["CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"].iter().any(|device| stem.eq_ignore_ascii_case(device))
        || numbered("COM")
        || numbered("LPT")
}

/// Characters that change how a name looks and not what it says.
fn is_hidden(c: char) -> bool {
    matches!(c, '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{2069}')
        || matches!(c, '\u{FEFF}' | '\u{E0000}'..='\u{E0FFF}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_lead_nowhere() {
        for (name, safe) in [
            ("notes.md", "notes.md"),
            ("docs/2024/notes.md", "docs/2024/notes.md"),
            ("Grüße aus Köln.txt", "Grüße aus Köln.txt"),
            ("../../etc/passwd", "etc/passwd"),
            ("/etc/passwd", "etc/passwd"),
            (r"C:\Windows\System32\x.dll", "Windows/System32/x.dll"),
            (r"..\x", "x"),
            ("a/./b/../c", "a/b/c"),
            ("nul", "_nul"),
            ("COM1.txt", "_COM1.txt"),
            ("a\0b", "a_b"),
            ("invoice\u{202e}fdp.exe", "invoice_fdp.exe"),
            ("trailing. . ", "trailing"),
            ("", "file"),
            ("...", "file"),
            ("a:b", "a_b"),
            ("\u{2000}\\x", "x"),
            ("\u{2003}..\u{2003}/x\u{a0}", "x"),
        ] {
            assert_eq!(safe_file_name(name), safe, "{name:?}");
        }
    }

    proptest! {
        #[test]
        fn a_safe_name_stays_as_it_is(name in "(\\PC|[./\\\\ :\0]|nul|COM1){0,80}|[a-zé]{190,300}(\\.txt)?") {
            let safe = safe_file_name(&name).into_owned();
            prop_assert_eq!(safe_file_name(&safe), safe.as_str());
            prop_assert!(!safe.starts_with('/') && !safe.split('/').any(|part| part == ".." || part.is_empty()));
        }
    }
}
