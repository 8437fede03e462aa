//! What an edit of a block must not do: write what is read-only, go over the limit, name a block unreadably, or lose what
//! somebody else wrote.

use resident_store::{Actor, Block, Provenance, Writer};

use super::EditContext;
use crate::{MemoryError, clean};

/// The longest label, in characters: enough for path-like labels of imported agents.
const LONGEST_LABEL: usize = 128;

/// How many revisions of a block are looked through for what the user wrote.
const MOST_REVISIONS: usize = 200;

/// Refuses a text in which a line is missing that the user wrote by hand. Marks and spaces around a line may change.
pub(super) fn keeps_what_the_user_wrote(w: &Writer<'_>, block: &Block, value: &str) -> Result<(), MemoryError> {
    let bare = |line: &str| line.trim_matches(|letter: char| !letter.is_alphanumeric()).to_lowercase();
    let (standing, kept) = (block.value.to_lowercase(), value.to_lowercase());
    for revision in w.block_revisions(&block.id)?.into_iter().take(MOST_REVISIONS) {
        let by_hand = revision.provenance.actor == Actor::User && revision.before.is_some();
        let before = revision.before.unwrap_or_default();
        let wrote = |line: &&str| by_hand && !before.lines().any(|earlier| earlier == *line);
        let lost = revision.after.lines().filter(wrote).find(|line| {
            let line = bare(line);
            !line.is_empty() && standing.contains(&line) && !kept.contains(&line)
        });
        if let Some(line) = lost {
            return Err(MemoryError::UsersOwnWords { label: block.label.clone(), line: line.trim().to_owned() });
        }
    }
    Ok(())
}

/// The error that says who changed what was to be changed, and how it stands now.
pub(super) fn changed_meanwhile(w: &Writer<'_>, block: Block) -> Result<MemoryError, MemoryError> {
    let by = match w.latest_block_revision(&block.id)?.map(|revision| revision.provenance) {
        Some(Provenance { actor: Actor::Agent, agent_id: Some(id), .. }) => w.agent(&id)?.map(|agent| agent.name),
        Some(Provenance { actor: Actor::User, .. }) => Some("the user".to_owned()),
        Some(_) | None => None,
    };
    Ok(MemoryError::ChangedMeanwhile {
        label: block.label,
        by: by.unwrap_or_else(|| "somebody else".to_owned()),
        now: block.value,
    })
}

pub(super) fn check_read_only(edit: &EditContext<'_>, block: Block) -> Result<Block, MemoryError> {
    match edit.provenance.actor {
        Actor::Agent if block.read_only => Err(MemoryError::ReadOnly { label: block.label }),
        Actor::Agent | Actor::User | Actor::System => Ok(block),
    }
}

pub(super) fn check_limit(block: &Block, value: &str) -> Result<(), MemoryError> {
    let would_be = value.chars().count();
    // A value that is over the limit already (the limit was lowered) may be made shorter step by step.
    if would_be > block.limit_chars && would_be >= block.value.chars().count() {
        return Err(MemoryError::OverLimit { label: block.label.clone(), limit: block.limit_chars, would_be });
    }
    Ok(())
}

pub(super) fn valid_label(label: &str) -> Result<String, MemoryError> {
    let label = clean(label).trim().to_owned();
    let readable = !label.chars().any(|c| c.is_control() || c == '<' || c == '>');
    if label.is_empty() || label.chars().count() > LONGEST_LABEL || !readable {
        return Err(MemoryError::InvalidLabel { label, longest: LONGEST_LABEL });
    }
    Ok(label)
}
