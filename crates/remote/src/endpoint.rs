//! An endpoint: its address in the forms in which people write it, and its key.

use std::fmt;
use std::sync::Arc;

use reqwest::Url;
use reqwest::header::HeaderValue;
use resident_library::http::{host_of, is_loopback};

use crate::RemoteError;

/// What people paste from the documentation of a single method.
const METHODS: [&str; 5] = ["/chat/completions", "/completions", "/embeddings", "/models", "/responses"];

/// An OpenAI-compatible endpoint.
#[derive(Debug, Clone)]
pub struct RemoteEndpoint {
    /// Its id: a short name, used in handles.
    pub id: String,
    /// Its base URL, with or without `/v1` and a slash at the end.
    pub base_url: String,
    /// Where its key comes from.
    pub api_key: KeySource,
}

/// Where a key comes from. It is asked for at each request, so that a changed key counts at once and none is kept.
#[derive(Clone)]
pub struct KeySource(Arc<dyn Fn() -> Option<String> + Send + Sync>);

impl KeySource {
    /// No key.
    pub fn none() -> Self {
        Self::new(|| None)
    }

    /// A key that `source` gives when it is needed.
    pub fn new(source: impl Fn() -> Option<String> + Send + Sync + 'static) -> Self {
        Self(Arc::new(source))
    }

    pub(crate) fn get(&self) -> Option<String> {
        (self.0)().map(|key| key.trim().to_owned()).filter(|key| !key.is_empty())
    }
}

impl fmt::Debug for KeySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeySource(…)")
    }
}

impl RemoteEndpoint {
    /// The endpoint's base URL, normalised, without a slash at the end.
    ///
    /// # Errors
    /// [`RemoteError::Address`] when it is no address of an endpoint.
    pub(crate) fn base(&self) -> Result<Base, RemoteError> {
        Base::parse(&self.base_url)
    }
}

/// Host and port of a base URL as a person would write it, and whether it is on this computer.
///
/// # Errors
/// [`RemoteError::Address`] when it is no address of an endpoint.
pub fn host_of_endpoint(base_url: &str) -> Result<(String, bool), RemoteError> {
    let base = Base::parse(base_url)?;
    Ok((base.host(), is_loopback(&base.0)))
}

/// A normalised base URL: its path has no slash at the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Base(Url);

impl Base {
    fn parse(text: &str) -> Result<Self, RemoteError> {
        let text = text.trim();
        let refuse = |message: &'static str| RemoteError::Address { url: without_secrets(text), message };
        let url = if text.contains("://") { Url::parse(text) } else { Url::parse(&format!("http://{text}")) };
        let mut url = url.map_err(|_| refuse("it is not a web address"))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(refuse("only http and https are spoken"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(refuse("a key belongs into the key's field, not into the address"));
        }
        // A bare host name of the internet means https; plain http is for this computer and its neighbours.
        let public = url.domain().is_some_and(|domain| domain.contains('.') && !domain.ends_with(".local"));
        if !text.contains("://") && public && !is_loopback(&url) {
            url.set_scheme("https").map_err(|()| refuse("it is not a web address"))?;
        }
        url.set_query(None);
        url.set_fragment(None);
        let path = url.path().trim_end_matches('/');
        let path = METHODS.iter().find_map(|method| path.strip_suffix(method)).unwrap_or(path).trim_end_matches('/');
        // Every server of the protocol answers under `/v1` when nothing else is said.
        let path = if path.is_empty() { "/v1".to_owned() } else { path.to_owned() };
        url.set_path(&path);
        Ok(Self(url))
    }

    /// The address of a method, such as `chat/completions`.
    pub(crate) fn method(&self, method: &str) -> Url {
        let mut url = self.0.clone();
        url.set_path(&format!("{}/{method}", self.0.path()));
        url
    }

    /// An address beside the protocol, where servers tell more of themselves; only under the plain `/v1`.
    pub(crate) fn beside(&self, path: &str) -> Option<Url> {
        if self.0.path() != "/v1" {
            return None;
        }
        let mut url = self.0.clone();
        url.set_path(path);
        Some(url)
    }

    pub(crate) fn host(&self) -> String {
        host_of(&self.0)
    }
}

/// The address without what may be a password in it.
fn without_secrets(text: &str) -> String {
    match (text.find("://"), text.rfind('@')) {
        (Some(start), Some(end)) if start + 3 < end => format!("{}…{}", &text[..start + 3], &text[end..]),
        _ => text.to_owned(),
    }
}

/// The header that carries a key; marked so that HTTP libraries do not log it.
pub(crate) fn authorization(key: &str) -> Result<HeaderValue, RemoteError> {
    let mut value = HeaderValue::from_str(&format!("Bearer {key}")).map_err(|_| RemoteError::Key)?;
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_a_base_address_leads_to_the_same_place() {
        for (given, meant) in [
            ("http://localhost:11434", "http://localhost:11434/v1/models"),
            ("http://localhost:11434/", "http://localhost:11434/v1/models"),
            ("http://localhost:11434/v1", "http://localhost:11434/v1/models"),
            (" http://localhost:11434/v1/ ", "http://localhost:11434/v1/models"),
            ("localhost:1234", "http://localhost:1234/v1/models"),
            ("192.168.1.5:8080", "http://192.168.1.5:8080/v1/models"),
            ("studio.local:1234", "http://studio.local:1234/v1/models"),
            ("api.example.com", "https://api.example.com/v1/models"),
            ("https://api.example.com/v1/chat/completions", "https://api.example.com/v1/models"),
            ("https://example.com/api/v1/", "https://example.com/api/v1/models"),
            ("https://example.com/v1beta/openai", "https://example.com/v1beta/openai/models"),
            ("http://[::1]:8080/v1?x=1#y", "http://[::1]:8080/v1/models"),
        ] {
            let base = Base::parse(given).unwrap_or_else(|error| panic!("{given}: {error}"));
            assert_eq!(base.method("models").as_str(), meant, "{given}");
        }
    }

    #[test]
    fn what_is_no_endpoint_is_refused() {
        for given in ["", "file:///etc/passwd", "ftp://example.com", "http://", "http://user:secret@example.com/v1"] {
            let error = Base::parse(given).expect_err(given);
            assert!(!error.to_string().contains("secret"), "{error}");
        }
    }

    #[test]
    fn a_key_is_not_shown() {
        let endpoint = RemoteEndpoint {
            id: "a".into(),
            base_url: "http://localhost".into(),
            api_key: KeySource::new(|| Some("sk-very-secret".into())),
        };
        assert!(!format!("{endpoint:?}").contains("sk-"));
        let header = authorization("sk-very-secret").expect("a header");
        assert!(!format!("{header:?}").contains("sk-"));
        assert!(authorization("sk-\nsecret").is_err());
    }
}
