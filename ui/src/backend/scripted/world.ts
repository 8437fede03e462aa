/**
 * The state behind the scripted backend, and the small builders that its data sets are written with.
 */
import type {
  AgentView,
  BlockView,
  ContextView,
  EndpointView,
  GroupView,
  MemoryChange,
  MessageView,
  ModelView,
  PassageView,
  ProfileView,
  ProvenanceView,
  RevisionView,
  SettingsView,
  StepView,
  TurnView,
} from '../generated';
import { MODELS } from './models';

export interface World {
  profile: ProfileView;
  settings: SettingsView;
  agents: AgentView[];
  groups: GroupView[];
  blocks: BlockView[];
  revisions: Map<string, RevisionView[]>;
  messages: MessageView[];
  turns: TurnView[];
  changes: MemoryChange[];
  passages: PassageView[];
  steps: StepView[];
  models: ModelView[];
  endpoints: EndpointView[];
  context: Map<string, ContextView>;
  /** Messages in the bin. */
  removed: Map<string, MessageView>;
}

/** The time of the data sets, so that screenshots are the same on any day. */
export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

let next = 0;

/** An id that is new in this page. */
export function newId(kind: string): string {
  next += 1;
  return `${kind}-${next}`;
}

export const you: ProvenanceView = {
  actor: 'User',
  agentId: null,
  agentName: null,
  turnId: null,
  messageId: null,
  tool: null,
};

export function byAgent(agent: AgentView, tool: string, turnId: string | null = null, messageId: string | null = null): ProvenanceView {
  return { actor: 'Agent', agentId: agent.id, agentName: agent.name, turnId, messageId, tool };
}

export function agentOf(name: string, createdAtMs: number, changes: Partial<AgentView> = {}): AgentView {
  return {
    id: newId('agent'),
    name,
    description: '',
    kind: 'LettaV1Agent',
    system: 'You are a private assistant with a memory of your own. Keep your blocks short and true.',
    model: null,
    tools: ['memory_insert', 'memory_replace', 'archival_memory_insert', 'archival_memory_search', 'conversation_search'],
    toolRules: [],
    createdAtMs,
    lastMessageAtMs: createdAtMs,
    deletedAtMs: null,
    runningTurnId: null,
    interruptedTurnId: null,
    ...changes,
  };
}

export function groupOf(
  kind: GroupView['kind'],
  description: string,
  agentIds: string[],
  createdAtMs: number,
  changes: Partial<GroupView> = {},
): GroupView {
  return {
    id: newId('group'),
    kind,
    description,
    managerId: null,
    agentIds,
    sharedBlockIds: [],
    maxTurns: null,
    terminationToken: null,
    everyTurns: null,
    waitingTurns: 0,
    running: false,
    speakingId: null,
    lastMessageAtMs: null,
    createdAtMs,
    ...changes,
  };
}

export function blockOf(agent: AgentView, label: string, value: string, atMs: number, changes: Partial<BlockView> = {}): BlockView {
  return {
    id: newId('block'),
    label,
    description: '',
    value,
    chars: [...value].length,
    limitChars: 20_000,
    readOnly: false,
    agentIds: [agent.id],
    revision: 1,
    provenance: you,
    updatedAtMs: atMs,
    deletedAtMs: null,
    ...changes,
  };
}

export function turnOf(agent: AgentView, atMs: number, changes: Partial<TurnView> = {}): TurnView {
  return {
    id: newId('turn'),
    agentId: agent.id,
    state: 'Completed',
    stopReason: 'end_turn',
    error: null,
    startedAtMs: atMs,
    endedAtMs: atMs + 2400,
    ...changes,
  };
}

export function messageOf(
  turn: TurnView,
  seq: number,
  role: MessageView['role'],
  content: string,
  changes: Partial<MessageView> = {},
): MessageView {
  return {
    id: newId('message'),
    seq,
    agentId: turn.agentId,
    turnId: turn.id,
    stepId: role === 'User' ? null : `${turn.id}-step`,
    role,
    content,
    thoughts: null,
    toolCalls: [],
    toolCallId: null,
    name: null,
    failed: false,
    createdAtMs: turn.startedAtMs + (role === 'User' ? 0 : 1800),
    inWindow: true,
    ...changes,
  };
}

export function passageOf(agent: AgentView, text: string, tags: string[], atMs: number, changes: Partial<PassageView> = {}): PassageView {
  return {
    id: newId('passage'),
    agentId: agent.id,
    text,
    tags,
    provenance: byAgent(agent, 'archival_memory_insert'),
    document: null,
    validFromMs: atMs,
    validToMs: null,
    supersededBy: null,
    createdAtMs: atMs,
    updatedAtMs: atMs,
    deletedAtMs: null,
    ...changes,
  };
}

export function emptyWorld(): World {
  return {
    profile: {
      version: '0.1.0',
      folder: '/home/nick/.local/share/resident',
      firstStart: true,
      userName: null,
      keyring: true,
      unembedded: 0,
      lastEventSeq: 0,
    },
    settings: {
      offline: true,
      theme: 'System',
      defaultModel: 'smollm2-135m-instruct',
      pressurePercent: 70,
      compactionPercent: 100,
      maxSteps: 50,
      temperature: 0.7,
      maxAnswerTokens: 1024,
      textPercent: 100,
    },
    agents: [],
    groups: [],
    blocks: [],
    revisions: new Map(),
    messages: [],
    turns: [],
    changes: [],
    passages: [],
    steps: [],
    models: structuredClone([...MODELS]),
    endpoints: [],
    context: new Map(),
    removed: new Map(),
  };
}
