//! How an agent runs: thresholds, sampling, limits. The profile gives the values; an agent's own `settings` override
//! them by name, so that an agent file can carry what matters to it.

use resident_store::Agent;
use serde::{Deserialize, Serialize};

use crate::model::GenerateOptions;

/// How an agent runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct AgentSettings {
    /// Share of the window at which the agent is warned.
    pub pressure_percent: u8,
    /// Share of the window at which the oldest part is evicted. Eviction comes earlier where an answer of
    /// `max_answer_tokens` would not fit any more.
    pub compaction_percent: u8,
    /// The most steps of one turn.
    pub max_steps: usize,
    /// 0 is greedy.
    pub temperature: f32,
    /// See [`GenerateOptions::top_p`].
    pub top_p: f32,
    /// See [`GenerateOptions::min_p`].
    pub min_p: f32,
    /// See [`GenerateOptions::repetition_penalty`].
    pub repetition_penalty: f32,
    /// The longest message of the model, in tokens.
    pub max_answer_tokens: usize,
    /// A window smaller than the model's.
    pub context_window_limit: Option<usize>,
    /// What the user is called.
    pub user_name: Option<String>,
    /// The IANA name of the time zone in which the agent is told the time and reads dates; UTC when left out.
    pub time_zone: Option<String>,
}

impl Default for AgentSettings {
    fn default() -> Self {
        let sampling = GenerateOptions::default();
        Self {
            pressure_percent: 70,
            compaction_percent: 100,
            // V1's DEFAULT_MAX_STEPS.
            max_steps: 50,
            temperature: sampling.temperature,
            top_p: sampling.top_p,
            min_p: sampling.min_p,
            repetition_penalty: sampling.repetition_penalty,
            max_answer_tokens: 1024,
            context_window_limit: None,
            user_name: None,
            time_zone: None,
        }
    }
}

/// A window that leaves no room for a few sentences helps nobody, whatever the settings say.
const SMALLEST_WINDOW_TOKENS: usize = 256;

impl AgentSettings {
    /// These settings with what `agent` overrides. An override that has the wrong type is ignored, and named in the
    /// log, since an agent must not become unusable through its settings.
    pub fn for_agent(&self, agent: &Agent) -> Self {
        let Some(overrides) = agent.settings.as_object() else { return self.clone() };
        let mut merged = self.clone();
        for (name, value) in overrides {
            let Ok(serde_json::Value::Object(mut fields)) = serde_json::to_value(&merged) else { continue };
            if !fields.contains_key(name) {
                continue;
            }
            fields.insert(name.clone(), value.clone());
            match serde_json::from_value(serde_json::Value::Object(fields)) {
                Ok(settings) => merged = settings,
                Err(error) => tracing::warn!(agent = %agent.id, setting = %name, %error, "ignored a setting"),
            }
        }
        merged
    }

    /// Tokens of the window, of a model that has `model_window_tokens`.
    pub fn window_tokens(&self, model_window_tokens: usize) -> usize {
        let limit = self.context_window_limit.unwrap_or(model_window_tokens).max(SMALLEST_WINDOW_TOKENS);
        limit.min(model_window_tokens)
    }

    /// Tokens that are kept free for an answer: what one may need, but at most a quarter of the window.
    pub fn answer_tokens(&self, window_tokens: usize) -> usize {
        self.max_answer_tokens.clamp(1, (window_tokens / 4).max(1))
    }

    /// Tokens at which the agent is warned.
    pub fn pressure_tokens(&self, window_tokens: usize) -> usize {
        window_tokens * usize::from(self.pressure_percent.clamp(1, 100)) / 100
    }

    /// Tokens above which the oldest part is evicted: the next model call would not fit with its answer.
    pub fn compaction_tokens(&self, window_tokens: usize) -> usize {
        let share = window_tokens * usize::from(self.compaction_percent.clamp(10, 100)) / 100;
        share.min(window_tokens - self.answer_tokens(window_tokens))
    }

    /// How the model is to generate in a window of `window_tokens`.
    pub fn generate_options(&self, window_tokens: usize, seed: u64) -> GenerateOptions {
        GenerateOptions {
            max_tokens: self.answer_tokens(window_tokens),
            temperature: self.temperature,
            top_p: self.top_p,
            min_p: self.min_p,
            repetition_penalty: self.repetition_penalty,
            seed,
            ..GenerateOptions::default()
        }
    }

    /// The zone in which times are told and read.
    pub fn zone(&self) -> jiff::tz::TimeZone {
        let Some(name) = &self.time_zone else { return jiff::tz::TimeZone::UTC };
        jiff::tz::TimeZone::get(name).unwrap_or_else(|error| {
            tracing::warn!(%name, %error, "unknown time zone; using UTC");
            jiff::tz::TimeZone::UTC
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thresholds_leave_room_for_an_answer() {
        let settings = AgentSettings::default();
        for window in [256, 1024, 2048, 8192, 131_072] {
            assert!(settings.compaction_tokens(window) + settings.answer_tokens(window) <= window, "window {window}");
            assert!(settings.pressure_tokens(window) <= settings.compaction_tokens(window), "window {window}");
        }
    }

    #[test]
    fn a_limit_makes_the_window_smaller_and_never_larger() {
        let limited = AgentSettings { context_window_limit: Some(4096), ..AgentSettings::default() };
        assert_eq!(limited.window_tokens(8192), 4096);
        assert_eq!(limited.window_tokens(2048), 2048);
        let absurd = AgentSettings { context_window_limit: Some(0), ..AgentSettings::default() };
        assert_eq!(absurd.window_tokens(8192), SMALLEST_WINDOW_TOKENS);
    }

    #[test]
    fn an_agent_overrides_by_name_and_wrong_types_are_ignored() {
        let mut agent = crate::default_agent("Ada", resident_store::AgentType::LettaV1Agent, 0);
        agent.settings = serde_json::json!({ "max_steps": 3, "temperature": "hot", "unknown": 1 });
        let merged = AgentSettings::default().for_agent(&agent);
        assert_eq!(merged.max_steps, 3);
        assert_eq!(merged.temperature, AgentSettings::default().temperature);
    }
}
