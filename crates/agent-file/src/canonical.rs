//! One form for all graphs that mean the same, so that they can be compared: ids numbered as they first appear, lists
//! whose order means nothing in the order of those numbers, and nothing that says what is understood anyway.

use serde_json::Value;

use crate::graph::{AS_IT_IS, AgentFile, Conversation, Extra, Message, Part, Provenance, Summary};
use crate::links::{Order, renumber};

impl AgentFile {
    /// The graph in its canonical form; two graphs mean the same if these are equal.
    #[must_use]
    pub fn canonical(&self) -> Self {
        let mut file = self.clone();
        renumber(&mut file, Order::FirstAppearance);
        plain_file(&mut file);
        file
    }
}

/// A key without a value says nothing.
fn plain(extra: &mut Extra) {
    extra.retain(|_, value| !value.is_null());
}

fn plain_file(file: &mut AgentFile) {
    for agent in &mut file.agents {
        plain(&mut agent.extra);
        agent.extra.retain(|key, value| {
            !AS_IT_IS.iter().any(|(known, default)| known == key && *value == Value::Bool(*default))
        });
        plain_messages(&mut agent.messages);
        agent.file_views.iter_mut().for_each(|view| plain(&mut view.extra));
    }
    for group in &mut file.groups {
        [&mut group.extra, &mut group.manager.extra].into_iter().for_each(plain);
    }
    file.blocks.iter_mut().for_each(|block| plain(&mut block.extra));
    file.files.iter_mut().for_each(|file| plain(&mut file.extra));
    file.folders.iter_mut().for_each(|folder| plain(&mut folder.extra));
    file.tools.iter_mut().for_each(|tool| plain(&mut tool.extra));
    file.mcp_servers.iter_mut().for_each(|server| plain(&mut server.extra));
    file.skills.iter_mut().for_each(|skill| plain(&mut skill.extra));
    plain(&mut file.extra);
    let resident = &mut file.resident;
    plain(&mut resident.extra);
    for of_agent in &mut resident.agents {
        plain(&mut of_agent.extra);
        plain_summaries(&mut of_agent.summaries);
        for conversation in &mut of_agent.conversations {
            let Conversation { messages, summaries, extra, .. } = conversation;
            plain(extra);
            plain_messages(messages);
            plain_summaries(summaries);
        }
    }
    for archive in &mut resident.archives {
        plain(&mut archive.extra);
        for passage in &mut archive.passages {
            plain(&mut passage.extra);
            plain_provenance(&mut passage.provenance);
            for revision in &mut passage.revisions {
                plain(&mut revision.extra);
                plain_provenance(&mut revision.provenance);
            }
        }
    }
    for revision in &mut resident.block_revisions {
        plain(&mut revision.extra);
        plain_provenance(&mut revision.provenance);
    }
}

fn plain_messages(messages: &mut [Message]) {
    for message in messages {
        plain(&mut message.extra);
        for part in &mut message.content {
            match part {
                Part::Text { extra, .. } => plain(extra),
                Part::Reasoning { extra, .. } => {
                    plain(extra);
                    // V1 asks for it and takes it for this where Resident writes none.
                    if extra.get("is_native") == Some(&Value::Bool(false)) {
                        extra.shift_remove("is_native");
                    }
                }
                Part::Other(extra) => plain(extra),
            }
        }
        message.tool_calls.iter_mut().for_each(|call| plain(&mut call.extra));
        message.tool_returns.iter_mut().for_each(|result| plain(&mut result.extra));
    }
}

fn plain_summaries(summaries: &mut [Summary]) {
    summaries.iter_mut().for_each(|summary| plain(&mut summary.extra));
}

fn plain_provenance(provenance: &mut Provenance) {
    plain(&mut provenance.extra);
}
