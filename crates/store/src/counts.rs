//! How many messages a thread and how many passages an archive has outside the bin, kept by triggers: an agent is told
//! with every turn, and counting a million rows takes a tenth of a second.

use rusqlite::params;

use crate::sql::Reader;
use crate::{ArchiveId, StoreError, Thread};

pub(crate) const SCHEMA: &str = "
CREATE TABLE thread_counts (
    agent_id        TEXT NOT NULL,
    -- Empty for the agent's own thread.
    conversation_id TEXT NOT NULL,
    messages        INTEGER NOT NULL,
    PRIMARY KEY (agent_id, conversation_id)
) STRICT, WITHOUT ROWID;
INSERT INTO thread_counts (agent_id, conversation_id, messages)
SELECT agent_id, COALESCE(conversation_id, ''), COUNT(*) FROM messages WHERE deleted_at_ms IS NULL GROUP BY 1, 2;

CREATE TRIGGER message_inserted AFTER INSERT ON messages WHEN NEW.deleted_at_ms IS NULL BEGIN
    INSERT INTO thread_counts (agent_id, conversation_id, messages)
    VALUES (NEW.agent_id, COALESCE(NEW.conversation_id, ''), 1)
    ON CONFLICT DO UPDATE SET messages = messages + 1;
END;
CREATE TRIGGER message_binned AFTER UPDATE OF deleted_at_ms ON messages
WHEN (OLD.deleted_at_ms IS NULL) <> (NEW.deleted_at_ms IS NULL) BEGIN
    INSERT INTO thread_counts (agent_id, conversation_id, messages)
    VALUES (NEW.agent_id, COALESCE(NEW.conversation_id, ''), 1)
    ON CONFLICT DO UPDATE SET messages = messages + IIF(NEW.deleted_at_ms IS NULL, 1, -1);
END;
CREATE TRIGGER message_deleted AFTER DELETE ON messages WHEN OLD.deleted_at_ms IS NULL BEGIN
    UPDATE thread_counts SET messages = messages - 1
    WHERE agent_id = OLD.agent_id AND conversation_id = COALESCE(OLD.conversation_id, '');
END;
CREATE TRIGGER agent_deleted AFTER DELETE ON agents BEGIN
    DELETE FROM thread_counts WHERE agent_id = OLD.id;
END;

CREATE TABLE archive_counts (
    archive_id TEXT PRIMARY KEY,
    passages   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO archive_counts (archive_id, passages)
SELECT archive_id, COUNT(*) FROM passages WHERE deleted_at_ms IS NULL GROUP BY 1;

CREATE TRIGGER passage_inserted AFTER INSERT ON passages WHEN NEW.deleted_at_ms IS NULL BEGIN
    INSERT INTO archive_counts (archive_id, passages) VALUES (NEW.archive_id, 1)
    ON CONFLICT DO UPDATE SET passages = passages + 1;
END;
CREATE TRIGGER passage_binned AFTER UPDATE OF deleted_at_ms ON passages
WHEN (OLD.deleted_at_ms IS NULL) <> (NEW.deleted_at_ms IS NULL) BEGIN
    INSERT INTO archive_counts (archive_id, passages) VALUES (NEW.archive_id, 1)
    ON CONFLICT DO UPDATE SET passages = passages + IIF(NEW.deleted_at_ms IS NULL, 1, -1);
END;
CREATE TRIGGER passage_deleted AFTER DELETE ON passages WHEN OLD.deleted_at_ms IS NULL BEGIN
    UPDATE archive_counts SET passages = passages - 1 WHERE archive_id = OLD.archive_id;
END;
CREATE TRIGGER archive_deleted AFTER DELETE ON archives BEGIN
    DELETE FROM archive_counts WHERE archive_id = OLD.id;
END;
";

impl Reader<'_> {
    pub(crate) fn messages_in(&self, thread: &Thread) -> Result<usize, StoreError> {
        let sql = "SELECT COALESCE(SUM(messages), 0) FROM thread_counts WHERE agent_id = ? AND conversation_id = ?";
        self.count(sql, params![thread.agent_id.as_str(), thread.conversation().unwrap_or_default()])
    }

    pub(crate) fn passages_in(&self, archives: &[ArchiveId]) -> Result<usize, StoreError> {
        let sql = "SELECT COALESCE(SUM(passages), 0) FROM archive_counts WHERE archive_id = ?";
        archives.iter().try_fold(0, |sum, id| Ok(sum + self.count(sql, [id.as_str()])?))
    }
}
