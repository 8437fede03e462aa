/**
 * Who says what: the agent behind a message, names, and names in a row. A person is never an agent, and an agent that is
 * gone still has said what it said.
 */
import type { AgentView, GroupView, MessageView } from '../backend/generated';

/** How the ids of agents begin; a sender without it is a person whom a client named. */
const AGENT_ID = 'agent-';

/** The agent that said something to another; `null` where a person did. */
export function saidByAgent(message: MessageView): string | null {
  return message.role === 'User' && message.senderId?.startsWith(AGENT_ID) ? message.senderId : null;
}

/** The agent that says a message; `null` where a person does. */
export function speakerOf(message: MessageView): string | null {
  return message.role === 'Assistant' ? message.agentId : saidByAgent(message);
}

/** Whether a message is the person's own word to one agent, which they can say anew. */
export function isOwnWord(message: MessageView): boolean {
  return message.role === 'User' && saidByAgent(message) === null && message.groupId === undefined;
}

/** An agent's name; of one that is gone what is remembered of it. */
export function nameOf(agents: readonly AgentView[], agentId: string | null, remembered?: string | null): string {
  const agent = agents.find((candidate) => candidate.id === agentId);
  return agent?.name ?? (remembered != null && remembered !== '' ? remembered : 'An agent');
}

/** `Ida`, `Ida and Bo`, `Ida, Bo and Mona`. */
export function inARow(names: readonly string[]): string {
  const last = names.at(-1) ?? '';
  return names.length < 2 ? last : `${names.slice(0, -1).join(', ')} and ${last}`;
}

/** What a group is called: what it is for, in its first line, or who is in it. */
export function groupName(group: GroupView, agents: readonly AgentView[]): string {
  const line = group.description.trim().split('\n', 1)[0] ?? '';
  if (line !== '') return line;
  const known = membersOf(group).filter((id) => agents.some((agent) => agent.id === id));
  const names = known.slice(0, 3).map((id) => nameOf(agents, id));
  if (names.length === 0) return 'A group';
  return known.length > names.length ? `${names.join(', ')} and others` : inARow(names);
}

/** Everybody in a group; whoever leads it first. */
export function membersOf(group: GroupView): string[] {
  return group.managerId === null ? group.agentIds : [group.managerId, ...group.agentIds];
}
