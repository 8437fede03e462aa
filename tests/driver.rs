//! A client of the WebDriver protocol (<https://www.w3.org/TR/webdriver2/>), as far as the journeys speak it.

use std::time::Duration;

use serde_json::{Value, json};
use ureq::Agent;

use crate::process::wait_until;

/// The name that the protocol gives to a reference to an element.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// How long something may take to appear.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// An error that the driver answered with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DriverError {
    /// The protocol's word for it.
    pub error: String,
    /// What the driver says.
    pub message: String,
}

/// A session with a window.
#[derive(Debug)]
pub struct Driver {
    agent: Agent,
    session: String,
}

/// An element of the page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Element {
    id: String,
}

impl Driver {
    /// Opens a session with a driver that listens on this port.
    ///
    /// # Errors
    /// What the driver answers.
    pub fn connect(port: u16, capabilities: &Value) -> Result<Self, DriverError> {
        let config = Agent::config_builder().http_status_as_error(false).timeout_global(Some(Duration::from_secs(120)));
        let agent = Agent::new_with_config(config.build());
        let body = json!({ "capabilities": { "alwaysMatch": capabilities } });
        let base = format!("http://127.0.0.1:{port}");
        let answer = read(agent.post(format!("{base}/session")).send_json(body))?;
        let id = answer["sessionId"].as_str().unwrap_or_default();
        Ok(Self { agent, session: format!("{base}/session/{id}") })
    }

    fn post(&self, path: &str, body: &Value) -> Result<Value, DriverError> {
        read(self.agent.post(format!("{}/{path}", self.session)).send_json(body))
    }

    fn get(&self, path: &str) -> Result<Value, DriverError> {
        read(self.agent.get(format!("{}/{path}", self.session)).call())
    }

    /// Runs a script in the page and returns what it returns.
    ///
    /// # Errors
    /// What the driver answers, with the script's own error in it.
    pub fn script(&self, script: &str, arguments: &[Value]) -> Result<Value, DriverError> {
        self.post("execute/sync", &json!({ "script": script, "args": arguments }))
    }

    /// Runs a script that answers by calling its last argument.
    ///
    /// # Errors
    /// What the driver answers; its time is up after half a minute.
    pub fn script_later(&self, script: &str, arguments: &[Value]) -> Result<Value, DriverError> {
        self.post("execute/async", &json!({ "script": script, "args": arguments }))
    }

    /// All elements that an XPath selects now.
    ///
    /// # Errors
    /// What the driver answers.
    pub fn find_all(&self, xpath: &str) -> Result<Vec<Element>, DriverError> {
        let found = self.post("elements", &json!({ "using": "xpath", "value": xpath }))?;
        let ids = found.as_array().into_iter().flatten().filter_map(|element| element[ELEMENT].as_str());
        Ok(ids.map(|id| Element { id: id.to_owned() }).collect())
    }

    /// The first visible element that an XPath selects, as soon as there is one.
    ///
    /// # Panics
    /// When patience ends; what the page shows then is part of the message.
    pub fn find(&self, xpath: &str) -> Element {
        self.find_within(xpath, PATIENCE)
    }

    /// The same with a patience of its own.
    ///
    /// # Panics
    /// When patience ends.
    pub fn find_within(&self, xpath: &str, patience: Duration) -> Element {
        let mut found = None;
        wait_until(patience, || {
            let elements = self.find_all(xpath).unwrap_or_default();
            found = elements.into_iter().find(|element| self.is_displayed(element));
            found.is_some()
        });
        found.unwrap_or_else(|| panic!("no `{xpath}` after {patience:?}; the page shows:\n{}", self.page_text()))
    }

    /// Whether a person could see an element.
    fn is_displayed(&self, element: &Element) -> bool {
        self.get(&format!("element/{}/displayed", element.id)).is_ok_and(|shown| shown == true)
    }

    /// Clicks an element.
    ///
    /// # Errors
    /// What the driver answers.
    pub fn click(&self, element: &Element) -> Result<(), DriverError> {
        self.post(&format!("element/{}/click", element.id), &json!({})).map(drop)
    }

    /// Types into an element.
    ///
    /// # Errors
    /// What the driver answers.
    pub fn type_into(&self, element: &Element, text: &str) -> Result<(), DriverError> {
        self.post(&format!("element/{}/value", element.id), &json!({ "text": text })).map(drop)
    }

    /// The element that has the focus.
    ///
    /// # Errors
    /// What the driver answers.
    pub fn focused(&self) -> Result<Element, DriverError> {
        let found = self.get("element/active")?;
        Ok(Element { id: found[ELEMENT].as_str().unwrap_or_default().to_owned() })
    }

    /// Empties a field.
    ///
    /// # Errors
    /// What the driver answers.
    pub fn clear(&self, element: &Element) -> Result<(), DriverError> {
        self.post(&format!("element/{}/clear", element.id), &json!({})).map(drop)
    }

    /// The text of an element as a person reads it.
    ///
    /// # Errors
    /// What the driver answers.
    pub fn text(&self, element: &Element) -> Result<String, DriverError> {
        Ok(self.get(&format!("element/{}/text", element.id))?.as_str().unwrap_or_default().to_owned())
    }

    /// Where the window is and how large: `(x, y, width, height)`.
    ///
    /// # Errors
    /// What the driver answers.
    pub fn place(&self) -> Result<(i64, i64, i64, i64), DriverError> {
        let place = self.get("window/rect")?;
        let pixels = |name: &str| place[name].as_f64().unwrap_or_default().round() as i64;
        Ok((pixels("x"), pixels("y"), pixels("width"), pixels("height")))
    }

    /// Gives the window a size.
    ///
    /// # Errors
    /// What the driver answers.
    pub fn resize(&self, width: u32, height: u32) -> Result<(), DriverError> {
        self.post("window/rect", &json!({ "x": 0, "y": 0, "width": width, "height": height })).map(drop)
    }

    /// Opens an address.
    ///
    /// # Errors
    /// What the driver answers.
    pub fn go_to(&self, url: &str) -> Result<(), DriverError> {
        self.post("url", &json!({ "url": url })).map(drop)
    }

    /// A picture of the page: a PNG in base64.
    ///
    /// # Errors
    /// What the driver answers.
    pub fn screenshot(&self) -> Result<String, DriverError> {
        Ok(self.get("screenshot")?.as_str().unwrap_or_default().to_owned())
    }

    /// All text of the page.
    pub fn page_text(&self) -> String {
        let text = self.script("return document.body ? document.body.innerText : ''", &[]);
        text.ok().and_then(|text| text.as_str().map(str::to_owned)).unwrap_or_default()
    }

    /// Ends the session and with it the program.
    pub fn close(&self) {
        drop(self.agent.delete(&self.session).call());
    }
}

fn read(answer: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> Result<Value, DriverError> {
    let transport = |error: ureq::Error| DriverError { error: "transport".to_owned(), message: error.to_string() };
    let body: Value = answer.and_then(|mut answer| answer.body_mut().read_json()).map_err(transport)?;
    let value = &body["value"];
    match value["error"].as_str() {
        Some(error) => Err(DriverError {
            error: error.to_owned(),
            message: value["message"].as_str().unwrap_or_default().to_owned(),
        }),
        None => Ok(value.clone()),
    }
}
