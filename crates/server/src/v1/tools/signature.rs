//! The schema of a tool from its Python text, which clients send without one: the name, the arguments with their types
//! and defaults, and what the docstring says of them. The text is read, never run.

use serde_json::{Map, Value, json};

/// Longer texts are no tools.
const MOST_BYTES: usize = 1_000_000;

/// What a tool is called with, as a schema in the form of function calling.
///
/// # Errors
/// In words, when there is no function in the text or its signature cannot be read.
pub(super) fn schema_of_python(source: &str) -> Result<Value, String> {
    if source.len() > MOST_BYTES {
        return Err(format!("the source is longer than {MOST_BYTES} bytes"));
    }
    let start = last_function(source).ok_or("there is no function at the start of a line (`def name(…):`)")?;
    let (name, rest) = source[start..].split_once('(').ok_or("the function has no arguments in brackets")?;
    let name = name.trim();
    if name.is_empty() || !name.chars().all(|letter| letter.is_alphanumeric() || letter == '_') {
        return Err(format!("`{name}` is not the name of a function"));
    }
    let end = closing(rest).ok_or_else(|| format!("the arguments of `{name}` have no end"))?;
    let described = docstring(&rest[end + 1..]).map(|text| read_docstring(&text)).unwrap_or_default();

    let (mut properties, mut required) = (Map::new(), Vec::new());
    for argument in split_at_commas(&rest[..end]) {
        let Some(argument) = Argument::read(argument)? else { continue };
        let mut property = json_type(argument.annotation);
        if let Some(words) = described.arguments.iter().find(|(named, _)| named == argument.name) {
            property["description"] = json!(words.1);
        }
        if !argument.has_default {
            required.push(json!(argument.name));
        }
        properties.insert(argument.name.to_owned(), property);
    }
    Ok(json!({
        "name": name,
        "description": described.summary,
        "parameters": { "type": "object", "properties": properties, "required": required },
    }))
}

/// Where the name of the last function begins whose `def` stands at the start of a line: helpers come before it.
fn last_function(source: &str) -> Option<usize> {
    let mut found = None;
    let mut offset = 0;
    for line in source.split_inclusive('\n') {
        let definition = line.strip_prefix("async ").unwrap_or(line);
        if let Some(rest) = definition.strip_prefix("def ") {
            found = Some(offset + line.len() - rest.len());
        }
        offset += line.len();
    }
    found
}

/// Where the bracket that is open at the start of `text` closes; brackets and commas within texts do not count.
fn closing(text: &str) -> Option<usize> {
    let mut scan = Scan::default();
    text.char_indices().find(|(_, letter)| scan.next(*letter) == Some(-1)).map(|(place, _)| place)
}

fn split_at_commas(text: &str) -> Vec<&str> {
    let (mut scan, mut parts, mut start) = (Scan::default(), Vec::new(), 0);
    for (place, letter) in text.char_indices() {
        if scan.next(letter) == Some(0) && letter == ',' {
            parts.push(&text[start..place]);
            start = place + 1;
        }
    }
    parts.push(&text[start..]);
    parts
}

/// How deep in brackets a place is, outside of texts.
#[derive(Default)]
struct Scan {
    depth: i32,
    quote: Option<char>,
    escaped: bool,
}

impl Scan {
    /// The depth after a character; none within a text.
    fn next(&mut self, letter: char) -> Option<i32> {
        if let Some(quote) = self.quote {
            let ends = letter == quote && !self.escaped;
            self.escaped = letter == '\\' && !self.escaped;
            if ends {
                self.quote = None;
            }
            return None;
        }
        match letter {
            '"' | '\'' => self.quote = Some(letter),
            '(' | '[' | '{' => self.depth += 1,
            ')' | ']' | '}' => self.depth -= 1,
            _ => {}
        }
        if self.quote.is_some() { None } else { Some(self.depth) }
    }
}

struct Argument<'a> {
    name: &'a str,
    annotation: &'a str,
    has_default: bool,
}

impl<'a> Argument<'a> {
    /// An argument that a model writes; none for `self`, the agent's state, and the stars.
    fn read(text: &'a str) -> Result<Option<Self>, String> {
        let text = text.trim();
        let (declared, default) = match split_once_outside(text, '=') {
            Some((declared, default)) => (declared, Some(default)),
            None => (text, None),
        };
        let (name, annotation) = declared.split_once(':').unwrap_or((declared, ""));
        let (name, annotation) = (name.trim(), annotation.trim());
        if name.is_empty() || name.starts_with('*') || name == "/" || ["self", "agent_state"].contains(&name) {
            return Ok(None);
        }
        if !name.chars().all(|letter| letter.is_alphanumeric() || letter == '_') {
            return Err(format!("`{text}` is not an argument"));
        }
        Ok(Some(Self { name, annotation, has_default: default.is_some() }))
    }
}

fn split_once_outside(text: &str, at: char) -> Option<(&str, &str)> {
    let mut scan = Scan::default();
    let place = text.char_indices().find(|(_, letter)| scan.next(*letter) == Some(0) && *letter == at)?.0;
    Some((&text[..place], &text[place + at.len_utf8()..]))
}

/// The JSON type of a Python annotation; a text where it says nothing.
fn json_type(annotation: &str) -> Value {
    let annotation = annotation.trim();
    if let Some(inner) = inside(annotation, &["Optional["]) {
        return json_type(inner);
    }
    if let Some((first, rest)) = split_once_outside(annotation, '|') {
        return json_type(if first.trim() == "None" { rest } else { first });
    }
    if let Some(inner) = inside(annotation, &["List[", "list[", "Sequence[", "Set[", "set["]) {
        return json!({ "type": "array", "items": json_type(inner) });
    }
    if let Some(inner) = inside(annotation, &["Literal["]) {
        let words = split_at_commas(inner).into_iter().map(|word| json!(word.trim().trim_matches(['"', '\''])));
        return json!({ "type": "string", "enum": words.collect::<Vec<_>>() });
    }
    let kind = match annotation {
        "int" => "integer",
        "float" => "number",
        "bool" => "boolean",
        "list" | "List" => return json!({ "type": "array", "items": { "type": "string" } }),
        other if other.starts_with("dict") || other.starts_with("Dict") => "object",
        _ => "string",
    };
    json!({ "type": kind })
}

fn inside<'a>(annotation: &'a str, openings: &[&str]) -> Option<&'a str> {
    let bare = annotation.strip_prefix("typing.").unwrap_or(annotation);
    openings.iter().find_map(|opening| bare.strip_prefix(opening)?.strip_suffix(']'))
}

/// The text in triple quotes that follows the colon of a definition.
fn docstring(after_arguments: &str) -> Option<String> {
    let (_, body) = after_arguments.split_once(":\n").or_else(|| after_arguments.split_once(":\r\n"))?;
    let body = body.trim_start();
    let body = body.strip_prefix(['r', 'R']).unwrap_or(body);
    for quotes in ["\"\"\"", "'''"] {
        if let Some(text) = body.strip_prefix(quotes) {
            return text.split_once(quotes).map(|(text, _)| text.to_owned());
        }
    }
    None
}

#[derive(Default)]
struct Described {
    summary: String,
    arguments: Vec<(String, String)>,
}

/// Reads a docstring in Google's style: what the function does, and under `Args:` a line for each argument.
fn read_docstring(text: &str) -> Described {
    let mut described = Described::default();
    let mut summary = Vec::new();
    let mut section = None;
    for line in text.lines() {
        let trimmed = line.trim();
        let heading = trimmed.strip_suffix(':').filter(|word| HEADINGS.contains(word));
        if let Some(heading) = heading {
            section = Some(heading);
            continue;
        }
        match section {
            None => summary.push(trimmed),
            Some("Args" | "Arguments" | "Parameters") => read_argument(trimmed, &mut described.arguments),
            Some(_) => {}
        }
    }
    described.summary = summary.join("\n").trim().to_owned();
    described
}

const HEADINGS: [&str; 9] =
    ["Args", "Arguments", "Parameters", "Returns", "Return", "Raises", "Yields", "Examples", "Example"];

/// `name (type): words` begins an argument; another line goes on with the one before.
fn read_argument(line: &str, arguments: &mut Vec<(String, String)>) {
    let named = line.split_once(':').and_then(|(name, words)| {
        let name = name.split('(').next().unwrap_or_default().trim();
        let is_name = !name.is_empty() && name.chars().all(|letter| letter.is_alphanumeric() || letter == '_');
        is_name.then(|| (name.to_owned(), words.trim().to_owned()))
    });
    match (named, arguments.last_mut()) {
        (Some(argument), _) => arguments.push(argument),
        (None, Some((_, words))) if !line.is_empty() => {
            words.push(' ');
            words.push_str(line);
        }
        (None, _) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_with_types_defaults_and_a_docstring_is_read() {
        let source = r#"
from typing import List, Optional

def helper(x):
    return x

def roll_dice(sides: int, labels: Optional[List[str]] = None, mode: Literal["fair", "odd"] = "fair") -> str:
    """
    Roll a die.

    Args:
        sides (int): How many sides: at least two,
            at most a hundred.
        labels (List[str]): Names of the sides.

    Returns:
        str: What came up.
    """
    return "4"
"#;
        let schema = schema_of_python(source).unwrap();
        assert_eq!(schema["name"], "roll_dice");
        assert_eq!(schema["description"], "Roll a die.");
        let parameters = &schema["parameters"];
        assert_eq!(parameters["required"], json!(["sides"]));
        assert_eq!(parameters["properties"]["sides"]["type"], "integer");
        let words = parameters["properties"]["sides"]["description"].as_str().unwrap();
        assert_eq!(words, "How many sides: at least two, at most a hundred.");
        assert_eq!(parameters["properties"]["labels"]["items"], json!({ "type": "string" }));
        assert_eq!(parameters["properties"]["mode"]["enum"], json!(["fair", "odd"]));
    }

    #[test]
    fn brackets_and_commas_in_defaults_do_not_end_an_argument() {
        let schema = schema_of_python("def f(a: str = \"),(\", b: dict = {}, *, c: bool):\n    pass\n").unwrap();
        assert_eq!(schema["parameters"]["required"], json!(["c"]));
        assert_eq!(schema["parameters"]["properties"]["b"]["type"], "object");
    }

    #[test]
    fn what_is_no_function_is_refused_in_words() {
        for source in ["", "print(1)", "def", "def (x): pass", "def f(x", "class A:\n    def f(self): pass"] {
            assert!(schema_of_python(source).is_err(), "{source}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_the_reader_panic(source in "(def |async def )?[a-z]{0,4}[(){}\\[\\]:,='\"\\\\ \n*|a-zL]{0,60}") {
            let _ = schema_of_python(&source);
        }
    }
}
