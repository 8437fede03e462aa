//! What a person sees of a file before it is taken in.

use std::collections::HashMap;

use resident_agent_file::{Block, Form, Notice, NoticeKind};

use super::plan::{Plan, ToolFate, asked_model};
use crate::api::{
    AgentFilePreview, AgentInFile, BlockInFile, FileForm, FileNotice, FileNoticeKind, FolderInFile, GroupInFile,
    ToolInFile,
};

/// What would come in, in words and numbers.
pub(super) fn preview(form: Form, plan: Plan) -> AgentFilePreview {
    let file = &plan.file;
    let by_id: HashMap<&str, &Block> = file.blocks.iter().map(|block| (block.id.as_str(), block)).collect();
    let names: HashMap<&str, &str> = file.agents.iter().map(|agent| (agent.id.as_str(), agent.name.as_str())).collect();
    let mut files: HashMap<&str, Vec<String>> = HashMap::new();
    file.files.iter().for_each(|from| files.entry(&from.folder_id).or_default().push(from.name.clone()));
    let agents = file.agents.iter().map(|agent| {
        let of_resident = file.resident.agents.iter().find(|of_agent| of_agent.agent_id == agent.id);
        let archives = file.resident.archives.iter().filter(|archive| archive.agent_ids.contains(&agent.id));
        let blocks = agent.block_ids.iter().filter_map(|id| by_id.get(id.as_str()));
        AgentInFile {
            name: agent.name.clone(),
            kind: agent.agent_type.clone(),
            description: agent.description.clone(),
            model: of_resident.and_then(|of_resident| of_resident.model.clone()).or_else(|| asked_model(agent)),
            blocks: blocks
                .map(|block| BlockInFile {
                    label: block.label.clone(),
                    chars: block.value.chars().count(),
                    read_only: block.read_only,
                })
                .collect(),
            messages: agent.messages.iter().filter(|message| !plan.prompts.contains(&message.id)).count(),
            conversations: of_resident.map_or(0, |of_resident| of_resident.conversations.len()),
            passages: archives.map(|archive| archive.passages.len()).sum(),
            tools: agent.tool_ids.len() + agent.tool_names.len(),
        }
    });
    let tools = file.tools.iter().map(|tool| {
        let fate = plan.tools.get(&tool.id).copied().unwrap_or(ToolFate::NotAttached);
        ToolInFile {
            name: tool.name.clone(),
            description: tool.description.clone().unwrap_or_default(),
            runs_here: fate == ToolFate::BuiltIn,
            attached: fate != ToolFate::NotAttached,
        }
    });
    let folders = file.folders.iter().map(|folder| FolderInFile {
        name: folder.name.clone(),
        files: files.remove(folder.id.as_str()).unwrap_or_default(),
    });
    let name = |id: &String| names.get(id.as_str()).map(|name| (*name).to_owned());
    let groups = file.groups.iter().map(|group| GroupInFile {
        kind: group.manager.kind.clone(),
        description: group.description.clone(),
        led_by: group.manager.agent_id.as_ref().and_then(name),
        agents: group.agent_ids.iter().filter_map(name).collect(),
    });
    AgentFilePreview {
        form: match form {
            Form::Current => FileForm::Current,
            Form::DoubleEncoded => FileForm::DoubleEncoded,
            Form::Legacy => FileForm::Legacy,
        },
        agents: agents.collect(),
        tools: tools.collect(),
        folders: folders.collect(),
        groups: groups.collect(),
        servers: file.mcp_servers.iter().map(|server| server.name.clone()).collect(),
        skills: file.skills.iter().map(|skill| skill.name.clone()).collect(),
        notices: notices(plan.notices),
    }
}

/// Notices for the API.
pub(super) fn notices(notices: Vec<Notice>) -> Vec<FileNotice> {
    let view = |notice: Notice| FileNotice {
        kind: match notice.kind {
            NoticeKind::NotAdopted => FileNoticeKind::NotAdopted,
            NoticeKind::Mended => FileNoticeKind::Mended,
            NoticeKind::Inert => FileNoticeKind::Inert,
            NoticeKind::Secret => FileNoticeKind::Secret,
            NoticeKind::HiddenText => FileNoticeKind::HiddenText,
        },
        place: notice.place,
        text: notice.text,
    };
    notices.into_iter().map(view).collect()
}
