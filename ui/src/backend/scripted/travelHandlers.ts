/**
 * The scripted backend's answers for agents that travel. A file of this page is the JSON of one agent with its blocks;
 * what is none is refused with the place, as the real backend does.
 */
import type { AgentFilePreview, AgentView, FileNotice } from '../generated';
import { found, refuse, type Handlers, type Stage } from './handlers';
import { agentOf, blockOf } from './world';

type TravelMethod = 'previewAgentFile' | 'importAgentFile' | 'exportAgents' | 'exportChat' | 'importChats';

interface FileOfPage {
  agents: { name: string; description?: string; tools?: string[] }[];
  blocks?: { label: string; value: string }[];
}

/** Tools that run here, as the real backend has them. */
const RUN_HERE = ['send_message', 'conversation_search', 'archival_memory_search', 'memory_insert', 'memory_replace'];

function read(text: string): FileOfPage {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return refuse('Invalid', 'The file was refused: this is not an agent file.', 'Nothing was changed.');
  }
  const agents = typeof value === 'object' && value !== null && 'agents' in value ? value.agents : undefined;
  if (!Array.isArray(agents) || agents.length === 0) {
    return refuse('Invalid', 'The file was refused: there is no agent in it.', 'Nothing was changed.');
  }
  return value as FileOfPage;
}

function noticesOf(file: FileOfPage): FileNotice[] {
  const names = file.agents.flatMap((agent) => agent.tools ?? []).filter((name) => !RUN_HERE.includes(name));
  return names.map((name, at) => ({
    kind: 'Inert',
    place: `tools[${at}]`,
    text: `The code of the tool "${name}" is kept as text. It is not run here.`,
  }));
}

function preview(file: FileOfPage): AgentFilePreview {
  const names = [...new Set(file.agents.flatMap((agent) => agent.tools ?? []))];
  return {
    form: 'Current',
    agents: file.agents.map((agent) => ({
      name: agent.name,
      kind: 'letta_v1_agent',
      description: agent.description ?? null,
      model: null,
      blocks: (file.blocks ?? []).map(({ label, value }) => ({ label, chars: value.length, readOnly: false })),
      messages: 0,
      conversations: 0,
      passages: 0,
      tools: agent.tools?.length ?? 0,
    })),
    tools: names.map((name) => ({ name, description: '', runsHere: RUN_HERE.includes(name), attached: true })),
    folders: [],
    groups: [],
    servers: [],
    skills: [],
    notices: noticesOf(file),
  };
}

export function travelHandlers({ world, log, nowMs }: Stage): Pick<Handlers, TravelMethod> {
  const agentOfId = (id: string): AgentView => found(world.agents.find((agent) => agent.id === id), 'agent');
  return {
    previewAgentFile: ({ text }) => preview(read(text)),
    importAgentFile: ({ text, name }) => {
      const file = read(text);
      const agents = file.agents.map((from) => {
        const agent = agentOf(name ?? from.name, nowMs(), { lastMessageAtMs: null, description: from.description ?? '' });
        world.agents.push(agent);
        for (const { label, value } of file.blocks ?? []) world.blocks.push(blockOf(agent, label, value, nowMs(), {}));
        return { ...agent };
      });
      log.emit({ type: 'AgentsChanged' });
      return { agents, notices: noticesOf(file) };
    },
    exportAgents: ({ agentIds }) => {
      const agents = agentIds.map(agentOfId);
      const blocks = world.blocks.filter((block) => block.agentIds.some((id) => agentIds.includes(id)));
      const file: FileOfPage = {
        agents: agents.map(({ name, description, tools }) => ({ name, description, tools })),
        blocks: blocks.map(({ label, value }) => ({ label, value })),
      };
      return { fileName: `${agents[0]?.name ?? 'agents'}.af`, mediaType: 'application/json', text: JSON.stringify(file) };
    },
    exportChat: ({ agentId, format }) => {
      const { name } = agentOfId(agentId);
      const said = world.messages.filter((message) => message.agentId === agentId);
      return format === 'Json'
        ? { fileName: `${name}.json`, mediaType: 'application/json', text: JSON.stringify({ title: name, messages: said }) }
        : { fileName: `${name}.md`, mediaType: 'text/markdown', text: [`# ${name}`, ...said.map(({ content }) => `> ${content}`)].join('\n\n') };
    },
    importChats: ({ text }) => {
      if (!text.trimStart().startsWith('[')) refuse('Invalid', 'The file was refused: an export of chats is a list.', 'Nothing was changed.');
      const chats = JSON.parse(text) as unknown[];
      log.emit({ type: 'MessagesChanged' });
      return { conversations: chats.length, messages: chats.length, passages: chats.length, notices: [] };
    },
  };
}
