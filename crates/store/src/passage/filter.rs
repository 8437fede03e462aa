//! Which passages are meant, as a condition in SQL. It is put together from the parts that are there, so that SQLite
//! plans with the index that fits those.

use rusqlite::types::Value;

use crate::{ArchiveId, PassageScope};

/// Which passages are meant, and in which order and part they are listed.
#[derive(Debug, Clone, PartialEq)]
pub struct PassageFilter {
    /// In which archives.
    pub scope: PassageScope,
    /// With one of these tags; with any tags or none when empty.
    pub tags: Vec<String>,
    /// With all of `tags` instead of one of them.
    pub match_all_tags: bool,
    /// Saved at this time or later.
    pub from_ms: Option<i64>,
    /// Saved before this time.
    pub to_ms: Option<i64>,
    /// True at this time; superseded ones too when `None`.
    pub as_of_ms: Option<i64>,
    /// Those in the bin instead of those that are not.
    pub deleted: bool,
    /// Listed from the newest to the oldest.
    pub newest_first: bool,
    /// How many are left out at the start of the list.
    pub offset: usize,
    /// How many are listed.
    pub limit: usize,
}

impl PassageFilter {
    /// All passages of an agent, an archive or everywhere that are not in the bin, newest first.
    pub fn of(scope: impl Into<PassageScope>) -> Self {
        Self {
            scope: scope.into(),
            tags: Vec::new(),
            match_all_tags: false,
            from_ms: None,
            to_ms: None,
            as_of_ms: None,
            deleted: false,
            newest_first: true,
            offset: 0,
            limit: usize::MAX,
        }
    }

    /// The condition on `passages` in `archives` and the values of its question marks.
    pub(super) fn condition(&self, archives: &[ArchiveId]) -> (String, Vec<Value>) {
        let in_archives = in_archives(archives);
        let of_archives = || archives.iter().map(|id| Value::from(id.to_string()));
        let mut sql = format!("passages.archive_id {in_archives}");
        let mut values: Vec<Value> = of_archives().collect();
        sql.push_str(if self.deleted { " AND deleted_at_ms IS NOT NULL" } else { " AND deleted_at_ms IS NULL" });
        if let Some(from_ms) = self.from_ms {
            sql.push_str(" AND created_at_ms >= ?");
            values.push(from_ms.into());
        }
        if let Some(to_ms) = self.to_ms {
            sql.push_str(" AND created_at_ms < ?");
            values.push(to_ms.into());
        }
        if let Some(as_of_ms) = self.as_of_ms {
            sql.push_str(
                " AND COALESCE(valid_from_ms, created_at_ms) <= ? AND (valid_to_ms IS NULL OR valid_to_ms > ?)",
            );
            values.extend([as_of_ms.into(), as_of_ms.into()]);
        }
        let mut tags = self.tags.clone();
        tags.sort();
        tags.dedup();
        if !tags.is_empty() {
            let marks = vec!["?"; tags.len()].join(", ");
            let enough = if self.match_all_tags {
                format!("GROUP BY key HAVING COUNT(*) = {}", tags.len())
            } else {
                String::new()
            };
            sql.push_str(&format!(
                " AND passages.key IN (SELECT key FROM passage_tags WHERE archive_id {in_archives} AND tag IN ({marks}) {enough})"
            ));
            values.extend(of_archives());
            values.extend(tags.into_iter().map(Value::from));
        }
        (sql, values)
    }

    /// The order of the list.
    pub(super) fn order(&self) -> &'static str {
        if self.newest_first { "created_at_ms DESC, key DESC" } else { "created_at_ms, key" }
    }
}

/// Being one of so many archives, in SQL. One is compared by itself, so that an index gives its rows in order.
pub(super) fn in_archives(archives: &[ArchiveId]) -> String {
    match archives.len() {
        1 => "= ?".to_owned(),
        count => format!("IN ({})", vec!["?"; count].join(", ")),
    }
}
