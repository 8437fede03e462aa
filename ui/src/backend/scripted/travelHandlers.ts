/**
 * The scripted backend's answers for agents that travel. A file is the JSON of what its preview shows.
 */
import type { AgentFilePreview } from '../generated';
import { found, refuse, type Handlers, type Stage } from './handlers';
import { agentOf } from './world';

type TravelMethod = 'previewAgentFile' | 'importAgentFile' | 'exportAgents' | 'exportChat' | 'importChats';

function read(text: string): AgentFilePreview {
  try {
    return JSON.parse(text) as AgentFilePreview;
  } catch {
    return refuse('Invalid', 'The file is not valid JSON at line 1, column 1.', 'Nothing was changed.');
  }
}

export function travelHandlers({ world, log, nowMs }: Stage): Pick<Handlers, TravelMethod> {
  const agentOfId = (id: string) => found(world.agents.find((agent) => agent.id === id), 'agent');
  return {
    previewAgentFile: ({ text }) => read(text),
    importAgentFile: ({ text, name }) => {
      const { agents, notices } = read(text);
      const made = agents.map((agent) => agentOf(name ?? agent.name, nowMs(), { description: agent.description ?? '' }));
      world.agents.push(...made);
      log.emit({ type: 'AgentsChanged' });
      return { agents: made, notices };
    },
    exportAgents: ({ agentIds }) => ({ fileName: `${agentOfId(agentIds[0] ?? '').name}.af`, mediaType: 'application/json', text: '{}' }),
    exportChat: ({ agentId, format }) => ({ fileName: `${agentOfId(agentId).name}.${format === 'Json' ? 'json' : 'md'}`, mediaType: 'text/plain', text: '' }),
    importChats: () => ({ conversations: 2, messages: 40, passages: 2, notices: [] }),
  };
}
