//! What is kept of windows in memory: whoever reads, through whatever snapshot, gets what the rows say.

use std::sync::Arc;

use proptest::prelude::*;
use resident_store::{AgentId, Message, MessageId, Reader, Role, StoreError, Thread, WindowMessages};

use crate::support::{NOW_MS, Profile, agent, message};

/// The window as the rows have it.
fn by_rows(reader: &Reader<'_>, thread: &Thread) -> Result<WindowMessages, StoreError> {
    let after = reader.window_start(thread)?.saturating_sub(1);
    let messages: Vec<_> = reader.messages_after(thread, after, usize::MAX)?.into_iter().map(Arc::new).collect();
    let earlier = reader.count_messages(thread)? - messages.len();
    Ok(WindowMessages { messages, earlier })
}

fn texts(messages: &[Arc<Message>]) -> Vec<&str> {
    messages.iter().map(|message| message.content.as_str()).collect()
}

#[derive(Debug, Clone)]
enum Act {
    /// Something is said in a thread.
    Say(usize),
    /// A message goes to the bin, or comes back.
    Bin(usize, bool),
    /// A message and what followed it in its thread go to the bin.
    DeleteFrom(usize),
    /// The conversation goes to the bin, or comes back.
    BinConversation(bool),
    /// The window of a thread begins at some message.
    Begin(usize, usize),
    /// The window of a thread begins after all that was said.
    Reset(usize),
    /// A write that does all of it fails in the end.
    Fail(usize, usize),
    /// The second agent goes for good, and another one with its id comes.
    MakeAnew,
    /// A window is read through a new snapshot.
    Read(usize),
    /// A snapshot is taken, and kept for some time.
    Open,
    /// A window is read through a snapshot that is kept.
    ReadOld(usize, usize),
}

fn act() -> impl Strategy<Value = Act> {
    let (thread, place) = (0..3_usize, 0..40_usize);
    prop_oneof![
        6 => thread.clone().prop_map(Act::Say),
        1 => (place.clone(), any::<bool>()).prop_map(|(place, goes)| Act::Bin(place, goes)),
        1 => place.clone().prop_map(Act::DeleteFrom),
        1 => any::<bool>().prop_map(Act::BinConversation),
        2 => (thread.clone(), place.clone()).prop_map(|(thread, place)| Act::Begin(thread, place)),
        1 => thread.clone().prop_map(Act::Reset),
        1 => (thread.clone(), place.clone()).prop_map(|(thread, place)| Act::Fail(thread, place)),
        1 => Just(Act::MakeAnew),
        5 => thread.clone().prop_map(Act::Read),
        2 => Just(Act::Open),
        4 => (place, thread).prop_map(|(place, thread)| Act::ReadOld(place, thread)),
    ]
}

struct World {
    profile: Profile,
    threads: [Thread; 3],
}

impl World {
    fn new() -> Self {
        let profile = Profile::new();
        let (ada, bob) = (profile.agent("Ada"), profile.agent("Bob"));
        let work = crate::conversations::conversation(&ada, "work");
        profile.write(|w| w.insert_conversation(&work));
        Self { profile, threads: [Thread::own(&ada), Thread::from(&work), Thread::own(&bob)] }
    }

    /// Does what is to be done; what comes after [`Act::Open`] is done while its snapshot is kept.
    fn play(&self, acts: &[Act], said: &mut Vec<Message>, kept: &[&Reader<'_>]) -> Result<(), TestCaseError> {
        for (index, act) in acts.iter().enumerate() {
            match act {
                Act::Open => {
                    return self.profile.read(|reader| {
                        // A snapshot is taken by the first that is read of it.
                        reader.window_start(&self.threads[0])?;
                        let kept: Vec<_> = kept.iter().copied().chain([reader]).collect();
                        Ok(self.play(&acts[index + 1..], said, &kept))
                    });
                }
                Act::Read(thread) => self.profile.read(|reader| Ok(self.check(reader, *thread)))?,
                Act::ReadOld(place, thread) => {
                    if let Some(place) = place.checked_rem(kept.len()) {
                        self.check(kept[place], *thread)?;
                    }
                }
                act => self.change(act, said),
            }
        }
        Ok(())
    }

    fn check(&self, reader: &Reader<'_>, thread: usize) -> Result<(), TestCaseError> {
        let thread = &self.threads[thread];
        prop_assert_eq!(reader.window(thread).unwrap(), by_rows(reader, thread).unwrap());
        Ok(())
    }

    fn change(&self, act: &Act, said: &mut Vec<Message>) {
        let picked = |place: usize| place.checked_rem(said.len()).map(|place| said[place].clone());
        match act {
            Act::Say(thread) => said.push(self.profile.write(|w| w.append_message(&self.new_message(*thread)))),
            Act::Bin(place, goes) => {
                if let Some(message) = picked(*place) {
                    self.profile.write(|w| w.set_message_deleted(&message.id, goes.then_some(NOW_MS)));
                }
            }
            Act::DeleteFrom(place) => {
                if let Some(message) = picked(*place) {
                    self.profile.write(|w| w.delete_messages_from(&message, message.seq, NOW_MS));
                }
            }
            Act::BinConversation(goes) => {
                let id = self.threads[1].conversation_id.as_ref().unwrap();
                self.profile.write(|w| w.set_conversation_deleted(id, goes.then_some(NOW_MS)));
            }
            Act::Begin(thread, place) => {
                if let Some(message) = picked(*place) {
                    self.profile.write(|w| w.set_window_start(&self.threads[*thread], message.seq));
                }
            }
            Act::Reset(thread) => {
                let next = said.last().map_or(0, |message| message.seq + 1);
                self.profile.write(|w| w.set_window_start(&self.threads[*thread], next));
            }
            Act::Fail(thread, place) => {
                let failed = self.profile.store().write(|w| {
                    let message = w.append_message(&self.new_message(*thread))?;
                    if let Some(message) = picked(*place) {
                        w.delete_messages_from(&message, message.seq, NOW_MS)?;
                    }
                    w.window(&self.threads[*thread])?;
                    w.append_message(&orphan())?;
                    Ok::<_, StoreError>(message)
                });
                assert!(matches!(failed, Err(StoreError::NotFound { .. })), "{failed:?}");
            }
            Act::MakeAnew => {
                let bob = &self.threads[2].agent_id;
                said.retain(|message| message.agent_id != *bob);
                self.profile.write(|w| {
                    w.purge_agent(bob)?;
                    w.insert_agent(&resident_store::Agent { id: bob.clone(), ..agent("Bob") })
                });
            }
            Act::Read(_) | Act::Open | Act::ReadOld(..) => {}
        }
    }

    fn new_message(&self, thread: usize) -> resident_store::NewMessage {
        let Thread { agent_id, conversation_id } = self.threads[thread].clone();
        resident_store::NewMessage { conversation_id, ..message(&agent_id, Role::User, "hello") }
    }
}

/// A message of nobody, which is refused.
fn orphan() -> resident_store::NewMessage {
    message(&AgentId::new(), Role::User, "hello")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn a_window_is_what_the_rows_of_the_snapshot_say(acts in prop::collection::vec(act(), 1..80)) {
        World::new().play(&acts, &mut Vec::new(), &[])?;
    }
}

#[test]
fn an_older_snapshot_neither_sees_nor_spoils_what_a_newer_one_read() {
    let profile = Profile::new();
    let ada = profile.agent("Ada");
    let first = profile.say(&ada, Role::User, "1");
    profile.read(|old| {
        assert_eq!(texts(&old.window_messages(&ada)?), ["1"]);
        profile.say(&ada, Role::User, "2");
        assert_eq!(texts(&profile.read(|new| new.window_messages(&ada))), ["1", "2"]);
        assert_eq!(texts(&old.window_messages(&ada)?), ["1"], "what was said since is not in this snapshot");
        profile.write(|w| w.set_message_deleted(&first.id, Some(NOW_MS)));
        assert_eq!(texts(&profile.read(|new| new.window_messages(&ada))), ["2"]);
        assert_eq!(texts(&old.window_messages(&ada)?), ["1"], "it was not in the bin then");
        assert_eq!(texts(&profile.read(|new| new.window_messages(&ada))), ["2"]);
        Ok(())
    });
}

#[test]
fn messages_are_shared_until_one_of_them_goes() {
    let profile = Profile::new();
    let ada = profile.agent("Ada");
    let ids: Vec<MessageId> = (0..3).map(|n| profile.say(&ada, Role::User, &n.to_string()).id).collect();
    let window = || profile.read(|r| r.window_messages(&ada));
    let (before, again) = (window(), window());
    assert!(Arc::ptr_eq(&before[0], &again[0]), "what was read once is not read again");
    profile.write(|w| w.set_message_deleted(&ids[1], Some(NOW_MS)));
    assert_eq!(texts(&window()), ["0", "2"]);
}
