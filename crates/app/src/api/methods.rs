//! The table of methods. From it come the dispatcher, which every shell calls with a name and JSON, and the TypeScript
//! interface of the same methods.

use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;
use ts_rs::{Config, TS};

use super::*;
use crate::App;

/// Turns `list_agents` into `listAgents`, the form that a method's name has outside Rust.
fn camel_case(name: &str) -> String {
    let mut words = name.split('_');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |text, word| {
        let (head, tail) = word.split_at(1);
        text + &head.to_uppercase() + tail
    })
}

fn json(result: &impl Serialize) -> Value {
    serde_json::to_value(result).expect("results are plain data")
}

macro_rules! methods {
    ($($(#[doc = $doc:literal])+ $name:ident($params:ty) -> $result:ty;)*) => {
        impl App {
            /// Calls a method by its name outside Rust, with parameters and result as JSON.
            ///
            /// # Errors
            /// What the method says; `NotFound` for an unknown name, `Invalid` for parameters of another form.
            pub fn dispatch(self: &Arc<Self>, method: &str, params: Value) -> Result<Value, ApiError> {
                $(
                    if method == camel_case(stringify!($name)) {
                        let params: $params = serde_json::from_value(params).map_err(|error| {
                            ApiError::invalid(format!("The parameters of `{method}` cannot be read: {error}."))
                        })?;
                        return Ok(json(&self.$name(params)?));
                    }
                )*
                Err(ApiError::not_found("method", method))
            }
        }

        /// The TypeScript interface of all methods.
        pub fn typescript_methods(config: &Config) -> String {
            let mut text = String::from("export interface Methods {\n");
            $(
                text += concat!($("  /**", $doc, " */\n",)+);
                text += &format!(
                    "  {}: {{ params: {}; result: {} }};\n",
                    camel_case(stringify!($name)),
                    <$params as TS>::name(config),
                    <$result as TS>::name(config),
                );
            )*
            text + "}\n"
        }

        /// Writes the TypeScript declaration of every type that a method takes or returns.
        ///
        /// # Errors
        /// When a file cannot be written.
        pub fn export_types(config: &Config) -> Result<(), ts_rs::ExportError> {
            Event::export_all(config)?;
            ApiError::export_all(config)?;
            $(
                <$params as TS>::export_all(config).or_else(ignore_builtin)?;
                <$result as TS>::export_all(config).or_else(ignore_builtin)?;
                <$result as TS>::visit_generics(&mut Exporter { config });
            )*
            Ok(())
        }
    };
}

/// Lists are declared by TypeScript itself; their elements are exported by [`Exporter`].
fn ignore_builtin(error: ts_rs::ExportError) -> Result<(), ts_rs::ExportError> {
    match error {
        ts_rs::ExportError::CannotBeExported(_) => Ok(()),
        other => Err(other),
    }
}

struct Exporter<'a> {
    config: &'a Config,
}

impl ts_rs::TypeVisitor for Exporter<'_> {
    fn visit<T: TS + 'static + ?Sized>(&mut self) {
        // A built-in type has no declaration of its own; anything else was exported with what holds it.
        let _ = T::export_all(self.config);
    }
}

methods! {
    /// The profile and the program.
    get_profile(Nothing) -> ProfileView;
    /// Ends the first start: keeps the user's name and creates the first agent.
    start_profile(StartProfile) -> AgentView;
    /// All settings.
    get_settings(Nothing) -> SettingsView;
    /// Changes settings.
    update_settings(UpdateSettings) -> SettingsView;
    /// Looks at the store, the models and the folder.
    check_health(Nothing) -> Vec<HealthCheck>;
    /// Everything in the bin.
    list_bin(Nothing) -> BinView;
    /// Deletes what is in the bin for good.
    empty_bin(EmptyBin) -> Nothing;
    /// Licences of models and parts.
    list_licences(Nothing) -> Vec<LicenceView>;
    /// The end of the log.
    read_log(ReadLog) -> LogLines;

    /// Agents, newest conversation first.
    list_agents(ListAgents) -> Vec<AgentView>;
    /// One agent.
    get_agent(AgentRef) -> AgentView;
    /// Creates an agent with a persona and a human block.
    create_agent(CreateAgent) -> AgentView;
    /// Changes an agent.
    update_agent(UpdateAgent) -> AgentView;
    /// Copies an agent without its conversation.
    duplicate_agent(DuplicateAgent) -> AgentView;
    /// Moves an agent to the bin.
    delete_agent(AgentRef) -> Nothing;
    /// Takes an agent out of the bin.
    restore_agent(AgentRef) -> AgentView;

    /// What is in an agent file and what would become of it. Nothing is changed.
    preview_agent_file(PreviewAgentFile) -> AgentFilePreview;
    /// Takes an agent file in, all of it or nothing.
    import_agent_file(ImportAgentFile) -> ImportedAgents;
    /// Writes agents into an agent file, with those that are in groups with them.
    export_agents(ExportAgents) -> ExportedFile;
    /// Writes an agent's own thread into a file.
    export_chat(ExportChat) -> ExportedFile;
    /// Takes chats of ChatGPT in, as conversations and as passages.
    import_chats(ImportChats) -> ImportedChats;

    /// Groups, oldest first.
    list_groups(Nothing) -> Vec<GroupView>;
    /// Creates a group.
    create_group(CreateGroup) -> GroupView;
    /// Changes a group.
    update_group(UpdateGroup) -> GroupView;
    /// Takes a group apart. Its agents stay, and what they said.
    delete_group(GroupRef) -> Nothing;
    /// Says something to a group; returns once it is recorded, the talk goes on in events.
    send_to_group(SendToGroup) -> GroupView;
    /// What was said in a group.
    list_group_messages(ListGroupMessages) -> GroupMessagePage;
    /// Stops the talk of a group.
    cancel_group(GroupRef) -> Nothing;
    /// Has memory tidied in the background, or no longer.
    set_sleeptime(SetSleeptime) -> SleeptimeView;
    /// Has memory tidied now.
    tidy_now(GroupRef) -> GroupView;

    /// A page of messages.
    list_messages(ListMessages) -> MessagePage;
    /// Records a message and begins a turn; returns at once, the turn goes on in events.
    send_message(SendMessage) -> TurnView;
    /// Stops a turn.
    cancel_turn(TurnRef) -> Nothing;
    /// Begins an interrupted, cancelled, failed or completed turn anew: what it answered goes to the bin, what it
    /// remembered stays.
    retry_turn(TurnRef) -> TurnView;
    /// Allows or denies the tool call that a turn waits with; the turn goes on.
    decide_approval(DecideApproval) -> TurnView;
    /// Says a message anew and begins a turn.
    edit_message(EditMessage) -> TurnView;
    /// Moves a message to the bin.
    delete_message(MessageRef) -> Nothing;
    /// Takes a message out of the bin.
    restore_message(MessageRef) -> MessageView;
    /// Searches everything said.
    search_messages(SearchMessages) -> Vec<MessageHit>;
    /// Steps with what they saw and did.
    list_steps(ListSteps) -> Vec<StepView>;

    /// Blocks.
    list_blocks(ListBlocks) -> Vec<BlockView>;
    /// Creates a block and attaches it.
    create_block(CreateBlock) -> BlockView;
    /// Changes a block.
    update_block(UpdateBlock) -> BlockView;
    /// Moves a block to the bin.
    delete_block(BlockRef) -> Nothing;
    /// Takes a block out of the bin, attached as it was.
    restore_block(BlockRef) -> BlockView;
    /// Shares a block with an agent.
    attach_block(AttachBlock) -> BlockView;
    /// Ends the sharing of a block with an agent.
    detach_block(AttachBlock) -> BlockView;
    /// Versions of a block, newest first.
    list_revisions(BlockRef) -> Vec<RevisionView>;
    /// Undoes one revision.
    undo_revision(UndoRevision) -> BlockView;

    /// Searches an archive.
    search_passages(SearchPassages) -> PassagePage;
    /// Saves a passage.
    create_passage(CreatePassage) -> Vec<PassageView>;
    /// Changes a passage.
    update_passage(UpdatePassage) -> PassageView;
    /// Moves passages to the bin.
    delete_passages(PassageRefs) -> Nothing;
    /// Takes passages out of the bin.
    restore_passages(PassageRefs) -> Nothing;
    /// Tags of an archive, most used first.
    list_tags(AgentRef) -> Vec<TagCount>;

    /// What the next prompt of an agent would be.
    get_context(AgentRef) -> ContextView;
    /// Evicts the oldest part of the window now.
    compact_now(AgentRef) -> CompactionView;

    /// Models, local and remote.
    list_models(Nothing) -> Vec<ModelView>;
    /// Loads a model now.
    load_model(ModelRef) -> ModelView;
    /// Adds a GGUF file.
    add_model_file(AddModelFile) -> ModelView;
    /// Takes a file that was added out of the library; the file stays.
    forget_model(ModelRef) -> Nothing;
    /// Downloads a model; progress comes in events.
    download_model(ModelRef) -> ModelView;
    /// Stops a download; what is there is kept for the next try.
    cancel_download(ModelRef) -> Nothing;
    /// Endpoints.
    list_endpoints(Nothing) -> Vec<EndpointView>;
    /// Adds or changes an endpoint.
    save_endpoint(SaveEndpoint) -> EndpointView;
    /// Removes an endpoint and its key.
    delete_endpoint(EndpointRef) -> Nothing;
    /// Asks an endpoint for its models.
    check_endpoint(SaveEndpoint) -> EndpointCheck;
}
