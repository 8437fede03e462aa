//! The messages in the windows of threads, the last of which are kept in memory: a window is hundreds of rows, is read
//! for every turn, and between two turns is mostly what it was.
//!
//! What is kept may be used only where it is exactly what a reader's snapshot holds, and the snapshot itself says so.
//! Each agent has a stamp in the database, drawn anew by every transaction that moves one of its messages to the bin or
//! back ([`Writer::restamp`]), and the text of a message never changes. So between two snapshots of one stamp there are
//! only appends, and moves of where windows begin. From that follows what a reader does with what another one left,
//! whichever of their snapshots is the older:
//!
//! - Its stamp is another: something went or came back in between, before or after. Nothing of it is used.
//! - Its window begins earlier than what is kept: what is missing at the front cannot be told from what was kept. Nothing
//!   of it is used.
//! - Messages were appended since: what comes after the last that is kept is read.
//! - Its window begins later: the messages before are left out, and counted.
//! - What is kept reaches further than its snapshot: messages after the last of its thread in the snapshot are left out.
//!
//! What a reader found is kept afterwards unless what is there has its stamp and reaches as far on both sides. Should an
//! older snapshot replace what a newer one left, the newer reads anew; it is never wrong. A [`Writer`] takes no part: it
//! sees what may be rolled back. Stamps are random, so that an agent that is removed and made again has another one.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rusqlite::params;

use super::{Message, of_row, select};
use crate::sql::{Reader, Writer};
use crate::{AgentId, StoreError, Thread};

/// The stamp of each agent; agents that were there before have the same, which does not matter: it is compared only with
/// an earlier one of the same agent.
pub(crate) const STAMP: &str = "ALTER TABLE agents ADD COLUMN messages_stamp INTEGER NOT NULL DEFAULT 0;";

/// So much of windows is kept: about a hundred that are full, for models with windows of 16,384 tokens.
const MOST_BYTES: usize = 64 << 20;

/// The messages in a window.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct WindowMessages {
    /// Those, oldest first.
    pub messages: Vec<Arc<Message>>,
    /// How many messages of the thread, in the bin not counted, came before them.
    pub earlier: usize,
}

/// What is kept of the windows of all threads; the one that was read least lately goes first.
#[derive(Default)]
pub(crate) struct Windows {
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    by_thread: HashMap<Thread, Held>,
    bytes: usize,
    /// Counts what was asked for, as the clock of who was read last.
    asked: u64,
}

/// The messages of a thread from `start` on, as a snapshot with this stamp had them.
#[derive(Clone)]
struct Held {
    stamp: i64,
    start: i64,
    window: WindowMessages,
    bytes: usize,
    asked: u64,
}

impl Held {
    fn new(stamp: i64, start: i64, window: WindowMessages) -> Self {
        let bytes = bytes_of(&window.messages);
        Self { stamp, start, window, bytes, asked: 0 }
    }

    fn last(&self) -> i64 {
        self.window.messages.last().map_or(i64::MIN, |message| message.seq)
    }

    fn reaches_as_far_as(&self, other: &Self) -> bool {
        self.stamp == other.stamp && self.start <= other.start && self.last() >= other.last()
    }

    /// Leaves what is in the window of a snapshot where that begins at `start` and the thread ends with message `last`.
    fn cut(&mut self, start: i64, last: i64) {
        let WindowMessages { messages, earlier } = &mut self.window;
        let after = messages.split_off(messages.partition_point(|message| message.seq <= last));
        let kept = messages.split_off(messages.partition_point(|message| message.seq < start));
        let before = std::mem::replace(messages, kept);
        *earlier += before.len();
        self.start = start;
        self.bytes -= bytes_of(&before) + bytes_of(&after);
    }

    fn append(&mut self, messages: Vec<Arc<Message>>) {
        self.bytes += bytes_of(&messages);
        self.window.messages.extend(messages);
    }
}

impl Windows {
    fn get(&self, thread: &Thread) -> Option<Held> {
        let mut kept = self.lock();
        kept.asked += 1;
        let asked = kept.asked;
        kept.by_thread.get_mut(thread).map(|held| {
            held.asked = asked;
            held.clone()
        })
    }

    fn keep(&self, thread: &Thread, held: &Held) {
        let mut kept = self.lock();
        if kept.by_thread.get(thread).is_some_and(|there| there.reaches_as_far_as(held)) {
            return;
        }
        kept.bytes += held.bytes;
        let held = Held { asked: kept.asked, ..held.clone() };
        if let Some(replaced) = kept.by_thread.insert(thread.clone(), held) {
            kept.bytes -= replaced.bytes;
        }
        kept.let_go(MOST_BYTES);
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    /// Lets go of what was read least lately where more than `most_bytes` are kept, and of some more, so that it is not
    /// done every time.
    fn let_go(&mut self, most_bytes: usize) {
        if self.bytes <= most_bytes {
            return;
        }
        let mut by_age: Vec<(u64, Thread)> =
            self.by_thread.iter().map(|(thread, held)| (held.asked, thread.clone())).collect();
        by_age.sort_unstable();
        for (_, thread) in by_age {
            if self.bytes <= most_bytes / 4 * 3 {
                return;
            }
            self.bytes -= self.by_thread.remove(&thread).map_or(0, |held| held.bytes);
        }
    }
}

/// About what messages take.
fn bytes_of(messages: &[Arc<Message>]) -> usize {
    /// What its ids take, and what the allocator adds to each of its texts.
    const IDS_BYTES: usize = 300;
    /// A call's names and the parts of its arguments take more than their text, which is not measured here.
    const CALL_BYTES: usize = 1000;
    let of_one = |message: &Arc<Message>| {
        let texts = message.content.len() + message.thoughts.as_ref().map_or(0, String::len);
        size_of::<Message>() + IDS_BYTES + texts + message.tool_calls.len() * CALL_BYTES
    };
    messages.iter().map(of_one).sum()
}

impl Reader<'_> {
    /// The messages in the window of a thread, oldest first.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when there is no such agent or conversation.
    pub fn window_messages(&self, thread: impl Into<Thread>) -> Result<Vec<Arc<Message>>, StoreError> {
        Ok(self.window(thread)?.messages)
    }

    /// The messages in the window of a thread, and how many were before.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when there is no such agent or conversation.
    pub fn window(&self, thread: impl Into<Thread>) -> Result<WindowMessages, StoreError> {
        let thread = thread.into();
        let start = self.window_start(&thread)?;
        let Some(windows) = self.windows() else { return self.read_window(&thread, start) };
        let stamp = self.messages_stamp(&thread.agent_id)?;
        let usable = |held: &Held| held.stamp == stamp && held.start <= start;
        let held = match windows.get(&thread).filter(usable) {
            Some(mut held) => {
                let (known, last) = (held.last(), self.last_seq(&thread)?);
                if known < last {
                    // Also what is before the window by now: it is counted.
                    held.append(self.messages_from(&thread, held.start.max(known.saturating_add(1)))?);
                }
                held.cut(start, last);
                held
            }
            None => Held::new(stamp, start, self.read_window(&thread, start)?),
        };
        windows.keep(&thread, &held);
        Ok(held.window)
    }

    fn read_window(&self, thread: &Thread, start: i64) -> Result<WindowMessages, StoreError> {
        let messages = self.messages_from(thread, start)?;
        let earlier = self.count_messages(thread)?.saturating_sub(messages.len());
        Ok(WindowMessages { messages, earlier })
    }

    fn messages_from(&self, thread: &Thread, seq: i64) -> Result<Vec<Arc<Message>>, StoreError> {
        self.all(
            &select("agent_id = ? AND conversation_id IS ? AND deleted_at_ms IS NULL AND seq >= ? ORDER BY seq"),
            params![thread.agent_id.as_str(), thread.conversation(), seq],
            |row| of_row(row).map(Arc::new),
        )
    }

    /// The number of the last message of a thread that is not in the bin.
    fn last_seq(&self, thread: &Thread) -> Result<i64, StoreError> {
        let last = self.first(
            "SELECT seq FROM messages WHERE agent_id = ? AND conversation_id IS ? AND deleted_at_ms IS NULL
             ORDER BY seq DESC LIMIT 1",
            params![thread.agent_id.as_str(), thread.conversation()],
            |row| row.get(0),
        )?;
        Ok(last.unwrap_or(i64::MIN))
    }

    fn messages_stamp(&self, agent_id: &AgentId) -> Result<i64, StoreError> {
        let sql = "SELECT messages_stamp FROM agents WHERE id = ?";
        let stamp = self.first(sql, [agent_id.as_str()], |row| row.get(0))?;
        stamp.ok_or_else(|| StoreError::NotFound { what: "agent", id: agent_id.0.clone() })
    }
}

impl Writer<'_> {
    /// Says that a message of the agent that was recorded before is no longer what it was.
    pub(super) fn restamp(&mut self, agent_id: &AgentId) -> Result<(), StoreError> {
        self.execute("UPDATE agents SET messages_stamp = RANDOM() WHERE id = ?", [agent_id.as_str()])?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_read_least_lately_goes_first_and_the_rest_stays_counted() {
        let held = |bytes| Held { stamp: 0, start: 0, window: WindowMessages::default(), bytes, asked: 0 };
        let thread = |number: u64| Thread::own(&AgentId(number.to_string()));
        let mut kept = Kept::default();
        for number in 0..8 {
            kept.by_thread.insert(thread(number), Held { asked: number, ..held(10) });
            kept.bytes += 10;
        }
        kept.by_thread.get_mut(&thread(0)).unwrap().asked = 9;
        kept.let_go(80);
        assert_eq!((kept.by_thread.len(), kept.bytes), (8, 80), "there is room for all");
        kept.let_go(79);
        assert_eq!((kept.by_thread.len(), kept.bytes), (5, 50));
        assert!(kept.by_thread.contains_key(&thread(0)), "it was read last");
        assert!((1..4).all(|number| !kept.by_thread.contains_key(&thread(number))));
    }
}
