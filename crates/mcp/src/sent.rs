//! Knows which requests have gone out to a program.
//!
//! When a connection breaks, a call may be made again only if the program cannot have taken the first one. The SDK does
//! not tell how far a request got, so [`Recorded`] stands between it and its transport: a request that was not begun, or
//! whose line could not be written to its end, was not taken. Once that has been asked, nothing more goes out.

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rmcp::RoleClient;
use rmcp::model::{ClientJsonRpcMessage, RequestId};
use rmcp::service::RxJsonRpcMessage;
use rmcp::transport::Transport;

/// Time for a write to a broken pipe to fail, which it does at once.
const SETTLE: Duration = Duration::from_millis(200);

const POLL: Duration = Duration::from_millis(5);

/// How far a request got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Begun,
    Written,
    Failed,
}

#[derive(Debug, Default)]
struct State {
    shut: bool,
    requests: HashMap<RequestId, Way>,
}

/// Which requests have gone out.
#[derive(Debug, Default)]
pub(crate) struct Sent(Mutex<State>);

impl Sent {
    /// Whether the program may have taken the request. Lets nothing more out.
    pub(crate) async fn taken(&self, id: &RequestId) -> bool {
        self.state().shut = true;
        let settled = async {
            while self.way(id) == Some(Way::Begun) {
                tokio::time::sleep(POLL).await;
            }
        };
        let _ = tokio::time::timeout(SETTLE, settled).await;
        match self.way(id) {
            Some(Way::Begun | Way::Written) => true,
            Some(Way::Failed) | None => false,
        }
    }

    /// Whether nothing more goes out.
    pub(crate) fn is_shut(&self) -> bool {
        self.state().shut
    }

    /// Forgets a request that has its answer, or needs none.
    pub(crate) fn forget(&self, id: &RequestId) {
        self.state().requests.remove(id);
    }

    fn way(&self, id: &RequestId) -> Option<Way> {
        self.state().requests.get(id).copied()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begin(&self, id: Option<&RequestId>) -> io::Result<()> {
        let mut state = self.state();
        if state.shut {
            return Err(io::ErrorKind::NotConnected.into());
        }
        if let Some(id) = id {
            state.requests.insert(id.clone(), Way::Begun);
        }
        Ok(())
    }

    fn end(&self, id: &RequestId, written: bool) {
        // A request that was forgotten meanwhile stays so.
        if let Some(way) = self.state().requests.get_mut(id) {
            *way = if written { Way::Written } else { Way::Failed };
        }
    }
}

/// A transport whose requests are recorded.
pub(crate) struct Recorded<T> {
    transport: T,
    sent: Arc<Sent>,
}

impl<T> Recorded<T> {
    pub(crate) fn new(transport: T, sent: Arc<Sent>) -> Self {
        Self { transport, sent }
    }
}

impl<T: Transport<RoleClient, Error = io::Error>> Transport<RoleClient> for Recorded<T> {
    type Error = io::Error;

    fn send(&mut self, message: ClientJsonRpcMessage) -> impl Future<Output = Result<(), io::Error>> + Send + 'static {
        let id = match &message {
            ClientJsonRpcMessage::Request(request) => Some(request.id.clone()),
            ClientJsonRpcMessage::Response(_)
            | ClientJsonRpcMessage::Notification(_)
            | ClientJsonRpcMessage::Error(_) => None,
        };
        let sent = Arc::clone(&self.sent);
        let writing = self.transport.send(message);
        async move {
            sent.begin(id.as_ref())?;
            let result = writing.await;
            if let Some(id) = &id {
                sent.end(id, result.is_ok());
            }
            result
        }
    }

    fn receive(&mut self) -> impl Future<Output = Option<RxJsonRpcMessage<RoleClient>>> + Send {
        self.transport.receive()
    }

    fn close(&mut self) -> impl Future<Output = Result<(), io::Error>> + Send {
        self.transport.close()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(act: impl Fn(&Sent, &RequestId), taken: bool) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
        let (sent, id) = (Sent::default(), RequestId::Number(1));
        act(&sent, &id);
        assert_eq!(runtime.block_on(sent.taken(&id)), taken);
        assert!(sent.begin(Some(&RequestId::Number(2))).is_err(), "nothing goes out any more");
    }

    #[test]
    fn a_request_was_taken_if_it_may_have_been_written_to_its_end() {
        check(|_, _| {}, false);
        check(|sent, id| sent.begin(Some(id)).expect("it is open"), true);
        for written in [true, false] {
            check(
                |sent, id| {
                    sent.begin(Some(id)).expect("it is open");
                    sent.end(id, written);
                },
                written,
            );
        }
    }
}
