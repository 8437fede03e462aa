//! Requests about agents that travel, as the window makes them: with the text of a file.

use crate::api::{
    AgentFilePreview, AgentRef, ApiError, ExportAgents, ExportedFile, ImportAgentFile, ImportedAgents, PreviewAgentFile,
};
use crate::{App, ExportOptions, ImportOptions};

impl App {
    /// What is in an agent file and what would become of it.
    pub fn preview_agent_file(&self, request: PreviewAgentFile) -> Result<AgentFilePreview, ApiError> {
        self.preview_file(request.text.as_bytes())
    }

    /// Takes an agent file in, all of it or nothing.
    pub fn import_agent_file(&self, request: ImportAgentFile) -> Result<ImportedAgents, ApiError> {
        let ImportAgentFile { text, name, without_messages } = request;
        let options = ImportOptions { name, without_messages, ..ImportOptions::default() };
        let imported = self.import_file(text.as_bytes(), &options)?;
        let agents = imported.agent_ids.into_iter().map(|id| self.get_agent(AgentRef { agent_id: id.0 }));
        Ok(ImportedAgents { agents: agents.collect::<Result<_, _>>()?, notices: imported.notices })
    }

    /// Writes agents into a file.
    pub fn export_agents(&self, request: ExportAgents) -> Result<ExportedFile, ApiError> {
        let ExportAgents { agent_ids, without_messages } = request;
        let Some(first) = agent_ids.first() else { return Err(ApiError::invalid("No agent is named.")) };
        let name = self.agent_record(first)?.name;
        let bytes = self.export_file(&agent_ids, ExportOptions { without_messages, conversation_id: None })?;
        Ok(ExportedFile {
            file_name: crate::agent_files::file_name(&name, "af"),
            media_type: "application/json".to_owned(),
            text: String::from_utf8(bytes).expect("an agent file is text"),
        })
    }
}
