//! How much of a file is read. A file comes from anywhere, so that each of these is checked before memory is spent.

/// The most that is read of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the whole file. Real files have between ten kilobytes and a few megabytes; what Resident writes for an
    /// agent with a hundred thousand messages stays below 64 MiB.
    pub bytes: usize,
    /// Bytes of one conversation in an export of chats.
    pub conversation_bytes: usize,
    /// Levels of lists and objects within each other; never more than [`Limits::DEEPEST`]. Real files have 12.
    pub depth: usize,
    /// Values of any kind, which bounds the memory that a file takes: about 100 bytes for each, beside its text.
    pub values: usize,
    /// Agents.
    pub agents: usize,
    /// Messages of all agents and conversations together.
    pub messages: usize,
    /// Passages of all archives together.
    pub passages: usize,
    /// Things of every other kind: blocks, tools, files, folders, groups, skills, servers, archives, conversations.
    pub entities: usize,
}

impl Limits {
    /// The most levels that can be asked for: the JSON parser itself ends at 128.
    pub const DEEPEST: usize = 100;

    /// Limits for an export of chats, which is read one conversation at a time: four gigabytes, ten million messages.
    pub fn of_exports() -> Self {
        let bytes = usize::try_from(4_u64 << 30).unwrap_or(usize::MAX);
        Self { bytes, messages: 10_000_000, ..Self::default() }
    }

    /// How deep a file may be.
    pub(crate) fn levels(&self) -> usize {
        self.depth.min(Self::DEEPEST)
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            bytes: 64 << 20,
            conversation_bytes: 64 << 20,
            depth: 64,
            values: 4_000_000,
            agents: 1_000,
            messages: 500_000,
            passages: 500_000,
            entities: 20_000,
        }
    }
}

/// What an import counts as it reads, so that many short lists are bounded like one long one.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) messages: usize,
    pub(crate) passages: usize,
}
