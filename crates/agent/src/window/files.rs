//! The folders of an agent in its window: their files, and the text of those that are open, numbered by lines, so that
//! the agent can ask for others. How many may be open, and how much of each is shown, depends on the window; the numbers
//! are V1's.

use std::fmt::Write as _;

use resident_store::{AgentId, FileView, Folder, Reader, StoreError};

use super::shorten::shorten;

/// What an agent may have open in a window of some size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FileLimits {
    /// Files.
    pub(crate) open: usize,
    /// Characters of each.
    pub(crate) chars: usize,
}

impl FileLimits {
    pub(crate) fn of(window_tokens: usize) -> Self {
        let (open, chars) = match window_tokens {
            ..=8_192 => (3, 5_000),
            8_193..=32_768 => (5, 15_000),
            32_769..=131_072 => (10, 25_000),
            131_073..=200_000 => (10, 40_000),
            200_001.. => (15, 40_000),
        };
        Self { open, chars }
    }
}

/// The folders of an agent.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Directories {
    folders: Vec<Folder>,
    /// Each with the lines that are open of it.
    files: Vec<(FileView, Option<String>)>,
    pub(crate) limits: FileLimits,
}

impl Directories {
    /// `None` when no folder is attached to the agent.
    pub(super) fn read(reader: &Reader<'_>, agent_id: &AgentId) -> Result<Option<Self>, StoreError> {
        let folders = reader.folders_of(agent_id)?;
        if folders.is_empty() {
            return Ok(None);
        }
        let mut files = Vec::new();
        for view in reader.files_of(agent_id)? {
            let lines = match view.open {
                true => reader.file_text(&view.file.id)?.map(|text| open_lines(&view, &text)),
                false => None,
            };
            files.push((view, lines));
        }
        Ok(Some(Self { folders, files, limits: FileLimits::of(0) }))
    }

    /// The most characters that are shown of an open file.
    pub(super) fn longest(&self) -> usize {
        self.files.iter().filter_map(|(_, lines)| Some(lines.as_ref()?.chars().count())).max().unwrap_or(0)
    }

    pub(super) fn render(&self) -> String {
        let FileLimits { open, chars } = self.limits;
        let now_open = self.files.iter().filter(|(_, lines)| lines.is_some()).count();
        let mut text = format!(
            "<directories>\n<file_limits>\n- current_files_open={now_open}\n- max_files_open={open}\n</file_limits>\n"
        );
        for folder in &self.folders {
            let _ = writeln!(text, "<directory name=\"{}\">", folder.name);
            for (part, words) in [("description", &folder.description), ("instructions", &folder.instructions)] {
                if !words.trim().is_empty() {
                    let _ = writeln!(text, "<{part}>{}</{part}>", words.trim());
                }
            }
            for (view, lines) in self.files.iter().filter(|(view, _)| view.file.folder_id == folder.id) {
                let _ = match lines {
                    None => writeln!(text, "<file status=\"closed\" name=\"{}\" />", view.path()),
                    Some(lines) => writeln!(
                        text,
                        "<file status=\"open\" name=\"{}\">\n<metadata>\n- read_only=true\n- chars_current={}\n\
                         - chars_limit={chars}\n</metadata>\n<value>\n{}\n</value>\n</file>",
                        view.path(),
                        lines.chars().count(),
                        shorten(lines, chars),
                    ),
                };
            }
            text.push_str("</directory>\n");
        }
        text.push_str("</directories>");
        text
    }
}

/// The lines of a file that are open, each with its number, counted from 1.
fn open_lines(view: &FileView, text: &str) -> String {
    let all = text.lines().count();
    let first = view.first_line.min(all);
    let last = view.lines.map_or(all, |lines| first.saturating_add(lines).min(all));
    let mut shown = format!("[Viewing lines {} to {last} (out of {all} lines)]", (first + 1).min(all.max(1)));
    for (number, line) in text.lines().enumerate().skip(first).take(last - first) {
        let _ = write!(shown, "\n{}: {line}", number + 1);
    }
    shown
}
