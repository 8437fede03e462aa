//! A language model that says what a script tells it to, and a profile to run it in.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use resident_agent::{
    AgentError, AgentEvent, AgentSettings, Cancel, Finish, GenerateOptions, Generation, Guidance, LanguageModel,
    Locality, MalformedCall, ModelError, ModelInfo, OutsideResult, OutsideTools, Progress, Prompt, ToolSchema,
    TurnContext, Usage, begin_turn, create_agent, default_agent, guidance, run_turn,
};
use resident_memory::Memory;
use resident_store::{
    Agent, AgentType, Block, ManualClock, Message, Role, Store, ToolCall, ToolStatus, Turn, TurnStatus,
};
use serde_json::{Value, json};

/// What the model does when it is called.
pub(crate) enum Line {
    Says(Generation),
    Fails(ModelError),
    /// Writes this much, then the user stops it.
    IsStopped(Vec<Progress>),
}

pub(crate) fn says(text: &str) -> Line {
    Line::Says(Generation { text: text.to_owned(), ..Generation::default() })
}

pub(crate) fn calls(name: &str, arguments: Value) -> Line {
    calls_all(&[(name, arguments)])
}

pub(crate) fn calls_all(calls: &[(&str, Value)]) -> Line {
    let tool_calls = calls
        .iter()
        .map(|(name, arguments)| ToolCall { id: String::new(), name: (*name).to_owned(), arguments: arguments.clone() })
        .collect();
    Line::Says(Generation { tool_calls, ..Generation::default() })
}

pub(crate) fn malformed(name: &str) -> Line {
    let call = MalformedCall {
        id: String::new(),
        name: name.to_owned(),
        arguments: "{\"label\": ".to_owned(),
        error: "the text ends in the middle of a value".to_owned(),
    };
    Line::Says(Generation { malformed_calls: vec![call], ..Generation::default() })
}

/// Counts four bytes as a token and keeps every prompt it was given.
pub(crate) struct ScriptedModel {
    pub(crate) script: Mutex<VecDeque<Line>>,
    pub(crate) prompts: Mutex<Vec<Prompt>>,
    pub(crate) options: Mutex<Option<GenerateOptions>>,
    pub(crate) summaries: Mutex<VecDeque<Line>>,
    pub(crate) window_tokens: usize,
    pub(crate) guidance: Guidance,
}

impl ScriptedModel {
    fn is_summary(prompt: &Prompt) -> bool {
        prompt.system.starts_with("You keep the notes of a conversation")
    }
}

impl LanguageModel for ScriptedModel {
    fn info(&self) -> ModelInfo {
        ModelInfo {
            handle: "local/scripted".to_owned(),
            name: "Scripted".to_owned(),
            locality: Locality::Local,
            context_window_tokens: self.window_tokens,
            guidance: self.guidance,
        }
    }

    fn count_tokens(&self, text: &str) -> usize {
        text.len().div_ceil(4)
    }

    fn count_prompt_tokens(&self, prompt: &Prompt) -> usize {
        let tools = if prompt.describe_tools { serde_json::to_string(&prompt.menu).unwrap().len() } else { 0 };
        let messages: usize = prompt
            .messages
            .iter()
            .map(|message| {
                let calls: usize = message.tool_calls.iter().map(|call| call.arguments.to_string().len() + 20).sum();
                message.content.len() + calls + 16
            })
            .sum();
        (prompt.system.len() + tools + messages).div_ceil(4)
    }

    fn generate(
        &self,
        prompt: &Prompt,
        options: &GenerateOptions,
        cancel: &Cancel,
        on_progress: &mut dyn FnMut(Progress),
    ) -> Result<Generation, ModelError> {
        let line = if Self::is_summary(prompt) {
            self.summaries.lock().unwrap().pop_front().unwrap_or_else(|| says(""))
        } else {
            self.prompts.lock().unwrap().push(prompt.clone());
            *self.options.lock().unwrap() = Some(options.clone());
            self.script.lock().unwrap().pop_front().unwrap_or_else(|| says("All right."))
        };
        let usage = Usage { prompt_tokens: self.count_prompt_tokens(prompt), cached_tokens: 0, completion_tokens: 3 };
        match line {
            Line::Says(generation) => {
                if !generation.text.is_empty() {
                    on_progress(Progress::Text(generation.text.clone()));
                }
                Ok(Generation { usage, ..generation })
            }
            Line::Fails(error) => Err(error),
            Line::IsStopped(progress) => {
                progress.into_iter().for_each(on_progress);
                cancel.cancel();
                Ok(Generation { finish: Finish::Cancelled, usage, ..Generation::default() })
            }
        }
    }
}

/// A profile with one agent.
pub(crate) struct House {
    pub(crate) memory: Memory,
    pub(crate) model: ScriptedModel,
    pub(crate) settings: AgentSettings,
    pub(crate) agent: Agent,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) events: Vec<AgentEvent>,
    pub(crate) router: guidance::Router,
    _folder: tempfile::TempDir,
}

impl House {
    pub(crate) fn new(agent_type: AgentType) -> Self {
        Self::with(agent_type, |_| {})
    }

    pub(crate) fn with(agent_type: AgentType, change: impl FnOnce(&mut Agent)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::at(1_700_000_000_000));
        let store = Arc::new(Store::open(folder.path(), clock.clone()).unwrap());
        let mut agent = default_agent("Ada", agent_type, store.now_ms());
        change(&mut agent);
        store.write(|w| create_agent(w, &agent, "I am Ada.", "The user's name is Nick.")).unwrap();
        Self {
            memory: Memory::new(store),
            model: ScriptedModel {
                script: Mutex::default(),
                prompts: Mutex::default(),
                options: Mutex::default(),
                summaries: Mutex::default(),
                window_tokens: 8192,
                guidance: Guidance::None,
            },
            settings: AgentSettings::default(),
            agent,
            clock,
            events: Vec::new(),
            router: guidance::Router::bundled(),
            _folder: folder,
        }
    }

    /// Says `text` and runs the turn, with the model answering from `script`.
    pub(crate) fn say(&mut self, text: &str, script: Vec<Line>) -> Turn {
        let (turn, _) = begin_turn(self.store(), &self.agent.id, text).unwrap();
        self.run(&turn, script)
    }

    pub(crate) fn run(&mut self, turn: &Turn, script: Vec<Line>) -> Turn {
        self.try_run(turn, script).unwrap()
    }

    pub(crate) fn try_run(&mut self, turn: &Turn, script: Vec<Line>) -> Result<Turn, AgentError> {
        self.run_until(turn, script, usize::MAX)
    }

    /// Runs a turn that the user stops after so many events.
    pub(crate) fn run_until(&mut self, turn: &Turn, script: Vec<Line>, stop_after: usize) -> Result<Turn, AgentError> {
        let cancel = Cancel::default();
        let mut heard = 0;
        self.clock.advance(1000);
        *self.model.script.lock().unwrap() = script.into();
        let context = TurnContext {
            memory: &self.memory,
            model: &self.model,
            router: Some(&self.router),
            settings: &self.settings,
            outside: Some(&Dice),
            others: None,
            seed: 1,
        };
        let (clock, events) = (&self.clock, &mut self.events);
        let ended = run_turn(&context, turn, &cancel, &mut |event| {
            clock.advance(1);
            events.push(event);
            heard += 1;
            if heard >= stop_after {
                cancel.cancel();
            }
        })?;
        let stored = self.store().read(|reader| reader.turn(&turn.id)).unwrap().unwrap();
        assert_eq!(stored, ended, "what is returned is what is stored");
        assert_ne!(ended.status, TurnStatus::Running);
        Ok(ended)
    }

    pub(crate) fn context(&self) -> TurnContext<'_> {
        TurnContext {
            memory: &self.memory,
            model: &self.model,
            router: None,
            settings: &self.settings,
            outside: None,
            others: None,
            seed: 1,
        }
    }

    pub(crate) fn store(&self) -> &Store {
        self.memory.store()
    }

    pub(crate) fn block(&self, label: &str) -> Block {
        let block = self.store().read(|reader| reader.block_by_label(&self.agent.id, label)).unwrap();
        block.unwrap_or_else(|| panic!("there is a block {label}"))
    }

    pub(crate) fn messages(&self) -> Vec<Message> {
        self.store().read(|reader| reader.messages_after(&self.agent.id, 0, 100_000)).unwrap()
    }

    pub(crate) fn said_by(&self, role: Role) -> Vec<String> {
        self.messages().into_iter().filter(|message| message.role == role).map(|message| message.content).collect()
    }

    pub(crate) fn last_result(&self) -> Message {
        self.messages().into_iter().rfind(|message| message.role == Role::Tool).expect("a tool was called")
    }

    pub(crate) fn prompts(&self) -> Vec<Prompt> {
        self.model.prompts.lock().unwrap().clone()
    }

    pub(crate) fn last_options(&self) -> GenerateOptions {
        self.model.options.lock().unwrap().clone().expect("the model was called")
    }

    pub(crate) fn last_prompt(&self) -> Prompt {
        self.prompts().last().expect("the model was called").clone()
    }
}

/// Menus of a prompt, in short.
pub(crate) fn menu(prompt: &Prompt) -> Vec<String> {
    prompt.menu.iter().map(|schema| schema.name.clone()).collect()
}

/// A tool outside of Resident: it can roll dice, and nothing else.
pub(crate) struct Dice;

impl OutsideTools for Dice {
    fn schemas(&self, names: &[String]) -> Vec<ToolSchema> {
        let known = names.iter().filter(|name| *name == "outside_dice");
        let parameters = json!({ "type": "object", "properties": { "sides": { "type": "integer" } } });
        let schema = |name: &String| ToolSchema {
            name: name.clone(),
            description: "Rolls dice.".to_owned(),
            parameters: parameters.clone(),
        };
        known.map(schema).collect()
    }

    fn call(&self, _: &str, arguments: &Value, _: &Cancel) -> OutsideResult {
        match arguments["sides"].as_i64() {
            Some(sides) => OutsideResult { status: ToolStatus::Ok, text: format!("{sides} came up.") },
            None => OutsideResult { status: ToolStatus::Failed, text: "How many sides?".to_owned() },
        }
    }
}
