//! API keys: in the system's keyring, or in memory until the program ends where there is none. A key is never in the
//! database, a log or an event; people see its last four characters.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The service under which the keyring lists the keys.
const SERVICE: &str = "app.resident.desktop";

/// A secret for those who ask this program, from the system's randomness.
pub fn new_token() -> String {
    format!("{}{}", uuid::Uuid::new_v4().simple(), uuid::Uuid::new_v4().simple())
}

/// Where keys are kept.
pub(crate) struct Keys {
    keyring: bool,
    session: Mutex<HashMap<String, String>>,
}

impl Keys {
    /// Uses the keyring when it answers.
    pub(crate) fn open(use_keyring: bool) -> Self {
        let answers = |entry: keyring::Entry| match entry.get_password() {
            Ok(_) | Err(keyring::Error::NoEntry) => true,
            Err(error) => {
                tracing::info!(%error, "no keyring; keys are kept until the program ends");
                false
            }
        };
        let keyring = use_keyring && keyring::Entry::new(SERVICE, "probe").is_ok_and(answers);
        Self { keyring, session: Mutex::default() }
    }

    /// Whether keys outlive the program.
    pub(crate) fn are_kept(&self) -> bool {
        self.keyring
    }

    /// The key of an endpoint.
    pub(crate) fn get(&self, endpoint_id: &str) -> Option<String> {
        let held = self.session().get(endpoint_id).cloned();
        if held.is_some() || !self.keyring {
            return held;
        }
        let key = keyring::Entry::new(SERVICE, endpoint_id).and_then(|entry| entry.get_password()).ok()?;
        self.session().insert(endpoint_id.to_owned(), key.clone());
        Some(key)
    }

    /// Keeps a key; falls back to the session when the keyring refuses it.
    pub(crate) fn set(&self, endpoint_id: &str, key: &str) {
        self.session().insert(endpoint_id.to_owned(), key.to_owned());
        if self.keyring {
            let kept = keyring::Entry::new(SERVICE, endpoint_id).and_then(|entry| entry.set_password(key));
            if let Err(error) = kept {
                tracing::warn!(endpoint_id, %error, "the keyring refused a key; it is kept until the program ends");
            }
        }
    }

    /// Removes a key everywhere.
    pub(crate) fn remove(&self, endpoint_id: &str) {
        self.session().remove(endpoint_id);
        if self.keyring {
            let removed = keyring::Entry::new(SERVICE, endpoint_id).and_then(|entry| entry.delete_credential());
            if let Err(error) = removed
                && !matches!(error, keyring::Error::NoEntry)
            {
                tracing::warn!(endpoint_id, %error, "a key could not be removed from the keyring");
            }
        }
    }

    /// The last four characters of a key that is long enough to hide the rest.
    pub(crate) fn hint(&self, endpoint_id: &str) -> Option<String> {
        let key = self.get(endpoint_id)?;
        let count = key.chars().count();
        (count >= 8).then(|| key.chars().skip(count - 4).collect()).or_else(|| Some(String::new()))
    }

    fn session(&self) -> MutexGuard<'_, HashMap<String, String>> {
        self.session.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hint_never_shows_a_short_key() {
        let keys = Keys::open(false);
        keys.set("long", "sk-0123456789abcd");
        keys.set("short", "1234");
        assert_eq!(keys.hint("long").as_deref(), Some("abcd"));
        assert_eq!(keys.hint("short").as_deref(), Some(""));
        assert_eq!(keys.hint("none"), None);
        keys.remove("long");
        assert_eq!(keys.get("long"), None);
    }
}
