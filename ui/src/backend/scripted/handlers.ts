/**
 * The scripted backend's answers for the profile, agents and messages.
 */
import type { Method, Params, Result } from '../backend';
import type { AgentView, ApiError, ErrorCode } from '../generated';
import type { EventLog } from './events';
import type { TurnRunner } from './turn';
import { contextOf } from './contextWindow';
import { agentOf, blockOf, newId, type World } from './world';

export type Handler<M extends Method> = (params: Params<M>) => Result<M>;
export type Handlers = { [M in Method]: Handler<M> };

export interface Stage {
  world: World;
  log: EventLog;
  runner: TurnRunner;
  nowMs: () => number;
}

export function refuse(code: ErrorCode, message: string, hint: string | null = null): never {
  const error: ApiError = { code, message, hint };
  throw error;
}

export function found<T>(thing: T | undefined, what: string): T {
  return thing ?? refuse('NotFound', `There is no such ${what}.`);
}

export type ProfileMethod =
  | 'getProfile' | 'startProfile' | 'getSettings' | 'updateSettings' | 'checkHealth' | 'listBin' | 'emptyBin'
  | 'listLicences' | 'readLog' | 'listAgents' | 'getAgent' | 'createAgent' | 'updateAgent' | 'duplicateAgent'
  | 'deleteAgent' | 'restoreAgent';

export function profileHandlers({ world, log, nowMs }: Stage): Pick<Handlers, ProfileMethod> {
  const agentOfId = (id: string): AgentView => found(world.agents.find((agent) => agent.id === id), 'agent');
  const create = (name: string, human: string, persona: string, changes: Partial<AgentView>): AgentView => {
    const agent = agentOf(name, nowMs(), { lastMessageAtMs: null, ...changes });
    world.agents.push(agent);
    world.blocks.push(
      blockOf(agent, 'human', human, nowMs(), { description: 'What the agent knows about you.' }),
      blockOf(agent, 'persona', persona, nowMs(), { description: 'Who the agent is.' }),
    );
    log.emit({ type: 'AgentsChanged' });
    return { ...agent };
  };
  return {
    getProfile: () => ({ ...world.profile, lastEventSeq: log.lastSeq }),
    startProfile: ({ userName }) => {
      world.profile = { ...world.profile, firstStart: false, userName };
      return create('Resident', `Name: ${userName}`, 'I am concise, warm and exact.', {});
    },
    getSettings: () => ({ ...world.settings }),
    updateSettings: ({ userName, ...changes }) => {
      Object.assign(world.settings, changes);
      if (userName !== undefined) world.profile.userName = userName;
      if (changes.defaultModel !== undefined) {
        for (const model of world.models) if (model.purpose === 'Language') model.isDefault = model.handle === changes.defaultModel;
      }
      return { ...world.settings };
    },
    checkHealth: () => [
      { name: 'Database', ok: true, message: 'It is whole: 3 agents, 42 messages.' },
      { name: 'Models', ok: true, message: 'Both default models are here and their hashes are right.' },
      { name: 'Disk', ok: false, message: '1.9 GB are free. Make room before you download a larger model.' },
    ],
    listBin: () => ({
      agents: world.agents.filter((agent) => agent.deletedAtMs !== null),
      blocks: world.blocks.filter((block) => block.deletedAtMs !== null),
      passages: world.passages.filter((passage) => passage.deletedAtMs !== null),
    }),
    emptyBin: ({ confirm }) => {
      if (confirm !== 'empty') refuse('Invalid', 'The word does not match.');
      world.agents = world.agents.filter((agent) => agent.deletedAtMs === null);
      world.blocks = world.blocks.filter((block) => block.deletedAtMs === null);
      world.passages = world.passages.filter((passage) => passage.deletedAtMs === null);
      return {};
    },
    listLicences: () => [
      { name: 'SmolLM2-135M-Instruct', version: '1', licence: 'Apache-2.0', source: 'https://example.com/smollm2' },
      { name: 'candle-core', version: '0.11.1', licence: 'MIT OR Apache-2.0', source: 'https://example.com/candle' },
      { name: 'svelte', version: '5.57.3', licence: 'MIT', source: 'https://example.com/svelte' },
    ],
    readLog: () => ({ lines: ['store: opened, schema 3', 'model: loaded smollm2-135m-instruct in 412 ms'], path: `${world.profile.folder}/resident.log` }),
    listAgents: ({ deleted }) => world.agents.filter((agent) => (agent.deletedAtMs !== null) === deleted).map((agent) => ({ ...agent })),
    getAgent: ({ agentId }) => ({ ...agentOfId(agentId) }),
    createAgent: ({ name, human, persona, model, description, kind }) =>
      create(name, human ?? '', persona ?? '', { model: model ?? null, description: description ?? '', kind: kind ?? 'LettaV1Agent' }),
    updateAgent: ({ agentId, model, ...changes }) => {
      const agent = agentOfId(agentId);
      Object.assign(agent, changes, model === undefined ? {} : { model: model === '' ? null : model });
      log.emit({ type: 'AgentsChanged' });
      return { ...agent };
    },
    duplicateAgent: ({ agentId, name }) => {
      const copy = { ...agentOfId(agentId), id: newId('agent'), name, lastMessageAtMs: null };
      world.agents.push(copy);
      for (const block of world.blocks.filter((candidate) => candidate.agentIds.includes(agentId))) {
        world.blocks.push({ ...block, id: newId('block'), agentIds: [copy.id] });
      }
      log.emit({ type: 'AgentsChanged' });
      return { ...copy };
    },
    deleteAgent: ({ agentId }) => {
      agentOfId(agentId).deletedAtMs = nowMs();
      log.emit({ type: 'AgentsChanged' });
      return {};
    },
    restoreAgent: ({ agentId }) => {
      const agent = agentOfId(agentId);
      agent.deletedAtMs = null;
      log.emit({ type: 'AgentsChanged' });
      return { ...agent };
    },
  };
}

export type ChatMethod =
  | 'listMessages' | 'sendMessage' | 'cancelTurn' | 'retryTurn' | 'decideApproval' | 'editMessage' | 'deleteMessage' | 'restoreMessage'
  | 'searchMessages' | 'listSteps' | 'getContext' | 'compactNow';

export function chatHandlers({ world, log, runner }: Stage): Pick<Handlers, ChatMethod> {
  const agentOfId = (id: string): AgentView => found(world.agents.find((agent) => agent.id === id), 'agent');
  return {
    listMessages: ({ agentId, beforeSeq, afterSeq, aroundMessageId, limit }) => {
      const all = world.messages.filter((message) => message.agentId === agentId).toSorted((a, b) => a.seq - b.seq);
      let from = Math.max(0, all.length - limit);
      if (aroundMessageId !== undefined) {
        from = Math.max(0, all.findIndex((message) => message.id === aroundMessageId) - Math.floor(limit / 2));
      } else if (afterSeq !== undefined) {
        from = all.findIndex((message) => message.seq > afterSeq);
        if (from < 0) from = all.length;
      } else if (beforeSeq !== undefined) {
        const end = all.findLastIndex((message) => message.seq < beforeSeq) + 1;
        from = Math.max(0, end - limit);
        limit = end - from;
      }
      const messages = all.slice(from, from + limit);
      const turnIds = new Set(messages.map((message) => message.turnId));
      return {
        messages,
        turns: world.turns.filter((turn) => turnIds.has(turn.id)).map((turn) => ({ ...turn })),
        changes: world.changes.filter((change) => turnIds.has(change.turnId)),
        hasMoreBefore: from > 0,
        hasMoreAfter: from + limit < all.length,
      };
    },
    sendMessage: ({ agentId, text }) => {
      const agent = agentOfId(agentId);
      if (text.trim() === '') refuse('Invalid', 'There is nothing to send.');
      if (agent.runningTurnId !== null) refuse('Conflict', `${agent.name} is still answering.`, 'Wait, or stop the answer.');
      for (const group of world.groups) if (group.kind === 'Sleeptime' && group.managerId === agentId) group.waitingTurns += 1;
      return runner.begin(agent, text);
    },
    cancelTurn: ({ turnId }) => {
      runner.cancel(turnId);
      return {};
    },
    retryTurn: ({ turnId }) => {
      const said = found(world.messages.find((message) => message.turnId === turnId && message.role === 'User'), 'turn');
      world.messages = world.messages.filter((message) => message.turnId !== turnId);
      return runner.begin(agentOfId(said.agentId), said.content);
    },
    decideApproval: ({ turnId, approve, reason }) => {
      const turn = found(world.turns.find((candidate) => candidate.id === turnId), 'turn');
      if (turn.stopReason !== 'requires_approval') refuse('Conflict', 'The turn does not wait for an approval.');
      return runner.resume(agentOfId(turn.agentId), turn, approve ? 'The block human was changed.' : `The user did not allow this call${reason ? `: ${reason}` : '.'}`);
    },
    editMessage: ({ messageId, text }) => {
      const said = found(world.messages.find((message) => message.id === messageId), 'message');
      world.messages = world.messages.filter((message) => message.agentId !== said.agentId || message.seq < said.seq);
      return runner.begin(agentOfId(said.agentId), text);
    },
    deleteMessage: ({ messageId }) => {
      const message = found(world.messages.find((candidate) => candidate.id === messageId), 'message');
      world.removed.set(messageId, message);
      world.messages = world.messages.filter((candidate) => candidate !== message);
      log.emit({ type: 'MessagesChanged' }, message.agentId);
      return {};
    },
    restoreMessage: ({ messageId }) => {
      const message = found(world.removed.get(messageId), 'message');
      world.removed.delete(messageId);
      world.messages.push(message);
      log.emit({ type: 'MessagesChanged' }, message.agentId);
      return message;
    },
    searchMessages: ({ agentId, query, limit }) => {
      const words = query.toLowerCase().split(/\s+/);
      return world.messages
        .filter((message) => message.agentId === agentId && words.some((word) => message.content.toLowerCase().includes(word)))
        .slice(-limit)
        .toReversed()
        .map((message) => ({ message, score: 1, reasons: [`has the word: ${words[0] ?? ''}`], neighbours: [] }));
    },
    listSteps: ({ agentId, turnId }) => {
      const turns = new Set(world.turns.filter((turn) => turn.agentId === agentId).map((turn) => turn.id));
      return world.steps.filter((step) => turns.has(step.turnId) && (turnId === undefined || step.turnId === turnId));
    },
    getContext: ({ agentId }) => world.context.get(agentId) ?? contextOf(world, agentOfId(agentId)),
    compactNow: ({ agentId }) => {
      const mine = world.messages.filter((message) => message.agentId === agentId && message.inWindow);
      const before = contextOf(world, agentOfId(agentId)).usedTokens;
      const evicted = mine.slice(0, Math.floor(mine.length / 2));
      world.messages = world.messages.map((message) => (evicted.includes(message) ? { ...message, inWindow: false } : message));
      const compaction = {
        evictedMessages: evicted.length,
        tokensBefore: before,
        tokensAfter: contextOf(world, agentOfId(agentId)).usedTokens,
        summary: 'They talked about the move and the novel.',
        extractive: false,
      };
      log.emit({ type: 'Compacted', compaction }, agentId);
      return compaction;
    },
  };
}
