//! The event stream, carried to the page. Each subscription is a thread that waits for events and hands on what came
//! within one frame as one list: a model that streams quicker than the screen is drawn costs one message a frame.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use resident_app::EventReader;
use resident_app::api::Event;
use tauri::ipc::Channel;
use tauri::webview::PageLoadEvent;
use tauri::{Manager, Runtime, Webview};

/// One frame of a screen with 60 Hz.
const FRAME: Duration = Duration::from_millis(16);

/// How long a thread waits before it looks whether anyone still listens.
const PATIENCE: Duration = Duration::from_millis(500);

/// The subscriptions of the page, by the id of their channel.
#[derive(Default)]
pub(crate) struct Subscriptions {
    ended: Mutex<HashMap<u32, Arc<AtomicBool>>>,
}

/// A subscription that has been asked for and may be ended before its first event.
pub(crate) struct Subscription {
    channel: Channel<Vec<Event>>,
    ended: Arc<AtomicBool>,
}

impl Subscriptions {
    /// Takes note of a subscription, so that it can be ended from now on.
    pub(crate) fn add(&self, channel: Channel<Vec<Event>>) -> Subscription {
        let ended = Arc::new(AtomicBool::new(false));
        self.lock().insert(channel.id(), ended.clone());
        Subscription { channel, ended }
    }

    /// Ends a subscription; one that has ended already is not missed.
    pub(crate) fn end(&self, channel_id: u32) {
        if let Some(ended) = self.lock().remove(&channel_id) {
            ended.store(true, Ordering::Relaxed);
        }
    }

    fn end_all(&self) {
        for (_, ended) in self.lock().drain() {
            ended.store(true, Ordering::Relaxed);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u32, Arc<AtomicBool>>> {
        self.ended.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Subscription {
    /// Carries events to the page from now on, on a thread of its own.
    pub(crate) fn carry(self, reader: EventReader) {
        std::thread::spawn(move || carry(&reader, &self.ended, |events| self.channel.send(events).is_ok()));
    }
}

/// Ends what a page subscribed to when another takes its place: its channels are gone with it.
pub(crate) fn forget_the_page_before<R: Runtime>(webview: &Webview<R>, load: &tauri::webview::PageLoadPayload<'_>) {
    if load.event() == PageLoadEvent::Started {
        webview.state::<Subscriptions>().end_all();
    }
}

fn carry(reader: &EventReader, ended: &AtomicBool, mut send: impl FnMut(Vec<Event>) -> bool) {
    let mut sent_at: Option<Instant> = None;
    while !ended.load(Ordering::Relaxed) {
        let mut events = reader.next_batch(PATIENCE);
        if events.is_empty() {
            continue;
        }
        if let Some(rest) = sent_at.and_then(|at| FRAME.checked_sub(at.elapsed())) {
            std::thread::sleep(rest);
            events.extend(reader.next_batch(Duration::ZERO));
        }
        sent_at = Some(Instant::now());
        if ended.load(Ordering::Relaxed) || !send(events) {
            break;
        }
    }
}
