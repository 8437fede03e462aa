//! Settings of the profile: one JSON object in the store, with a default for whatever is not in it.

use resident_agent::AgentSettings;
use resident_store::{Reader, Writer};
use serde::{Deserialize, Serialize};

use crate::api::{ApiError, SettingsView, Theme, UpdateSettings};

const SETTING: &str = "settings";

/// The settings as they are kept. `default_model` is empty for the one that came with the program.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Settings {
    pub(crate) user_name: Option<String>,
    pub(crate) offline: bool,
    pub(crate) theme: Theme,
    pub(crate) default_model: String,
    pub(crate) pressure_percent: u8,
    pub(crate) compaction_percent: u8,
    pub(crate) max_steps: usize,
    pub(crate) temperature: f32,
    pub(crate) max_answer_tokens: usize,
    pub(crate) text_percent: u16,
}

impl Default for Settings {
    fn default() -> Self {
        let agent = AgentSettings::default();
        Self {
            user_name: None,
            offline: true,
            theme: Theme::System,
            default_model: String::new(),
            pressure_percent: agent.pressure_percent,
            compaction_percent: agent.compaction_percent,
            max_steps: agent.max_steps,
            temperature: agent.temperature,
            max_answer_tokens: agent.max_answer_tokens,
            text_percent: 100,
        }
    }
}

impl Settings {
    pub(crate) fn read(reader: &Reader<'_>) -> Result<Self, ApiError> {
        let Some(value) = reader.setting(SETTING)? else { return Ok(Self::default()) };
        // Settings of another version must not keep the profile from opening.
        Ok(serde_json::from_value(value).unwrap_or_else(|error| {
            tracing::warn!(%error, "the settings could not be read; using the defaults");
            Self::default()
        }))
    }

    pub(crate) fn write(&self, writer: &mut Writer<'_>) -> Result<(), ApiError> {
        let value = serde_json::to_value(self).expect("settings are plain data");
        Ok(writer.set_setting(SETTING, &value)?)
    }

    /// How agents run, before their own settings.
    pub(crate) fn for_agents(&self) -> AgentSettings {
        AgentSettings {
            pressure_percent: self.pressure_percent,
            compaction_percent: self.compaction_percent,
            max_steps: self.max_steps,
            temperature: self.temperature,
            max_answer_tokens: self.max_answer_tokens,
            user_name: self.user_name.clone(),
            time_zone: jiff::tz::TimeZone::system().iana_name().map(str::to_owned),
            ..AgentSettings::default()
        }
    }

    /// These settings with the changes of a request.
    pub(crate) fn changed(mut self, request: UpdateSettings) -> Result<Self, ApiError> {
        let UpdateSettings {
            offline,
            theme,
            default_model,
            pressure_percent,
            compaction_percent,
            max_steps,
            temperature,
            max_answer_tokens,
            text_percent,
            user_name,
        } = request;
        set(&mut self.offline, offline);
        set(&mut self.theme, theme);
        set(&mut self.default_model, default_model);
        set(&mut self.pressure_percent, within("The pressure line", pressure_percent, 10, 95)?);
        set(&mut self.compaction_percent, within("The compaction line", compaction_percent, 20, 100)?);
        set(&mut self.max_steps, within("The number of steps", max_steps, 1, 100)?);
        set(&mut self.temperature, within("The temperature", temperature, 0.0, 2.0)?);
        set(&mut self.max_answer_tokens, within("The longest answer", max_answer_tokens, 16, 8192)?);
        set(&mut self.text_percent, within("The size of text", text_percent, 80, 200)?);
        if let Some(name) = user_name {
            self.user_name = Some(checked_name(&name)?);
        }
        if self.pressure_percent >= self.compaction_percent {
            return Err(ApiError::invalid("The pressure line has to be below the compaction line."));
        }
        Ok(self)
    }

    pub(crate) fn view(&self, builtin_model: &str) -> SettingsView {
        let Self {
            user_name: _,
            offline,
            theme,
            default_model,
            pressure_percent,
            compaction_percent,
            max_steps,
            temperature,
            max_answer_tokens,
            text_percent,
        } = self.clone();
        SettingsView {
            offline,
            theme,
            default_model: if default_model.is_empty() { builtin_model.to_owned() } else { default_model },
            pressure_percent,
            compaction_percent,
            max_steps,
            temperature,
            max_answer_tokens,
            text_percent,
        }
    }
}

/// A name for the user or an agent: one line of up to 120 characters.
pub(crate) fn checked_name(name: &str) -> Result<String, ApiError> {
    let name: String = name.chars().filter(|letter| !letter.is_control()).collect();
    let name = name.trim();
    match name.chars().count() {
        0 => Err(ApiError::invalid("A name is needed.")),
        1..=120 => Ok(name.to_owned()),
        _ => Err(ApiError::invalid("A name has at most 120 characters.")),
    }
}

fn set<T>(field: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *field = value;
    }
}

fn within<T: Copy + PartialOrd + std::fmt::Display>(
    what: &str,
    value: Option<T>,
    low: T,
    high: T,
) -> Result<Option<T>, ApiError> {
    match value {
        Some(value) if !(low..=high).contains(&value) => {
            Err(ApiError::invalid(format!("{what} has to be between {low} and {high}.")))
        }
        value => Ok(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offline_is_the_default() {
        assert!(Settings::default().offline);
    }

    #[test]
    fn changes_out_of_bounds_are_refused_and_name_the_bounds() {
        let refused = |request| Settings::default().changed(request).expect_err("it is out of bounds").message;
        let request = UpdateSettings { temperature: Some(3.0), ..UpdateSettings::default() };
        assert_eq!(refused(request), "The temperature has to be between 0 and 2.");
        let request = UpdateSettings { temperature: Some(f32::NAN), ..UpdateSettings::default() };
        assert_eq!(refused(request), "The temperature has to be between 0 and 2.");
        let request =
            UpdateSettings { pressure_percent: Some(90), compaction_percent: Some(80), ..UpdateSettings::default() };
        assert!(refused(request).contains("below"));
    }

    #[test]
    fn names_are_one_line() {
        assert_eq!(checked_name(" Ada\n").as_deref().ok(), Some("Ada"));
        assert!(checked_name("\u{0}").is_err());
        assert!(checked_name(&"x".repeat(121)).is_err());
    }
}
