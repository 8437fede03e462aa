/**
 * The state behind the scripted backend, and the small builders that its data sets are written with.
 */
import type {
  AgentView,
  BlockView,
  ContextView,
  EndpointView,
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

export interface World {
  profile: ProfileView;
  settings: SettingsView;
  agents: AgentView[];
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
    createdAtMs: atMs,
    updatedAtMs: atMs,
    deletedAtMs: null,
    ...changes,
  };
}

export function modelOf(handle: string, name: string, changes: Partial<ModelView> = {}): ModelView {
  return {
    handle,
    name,
    purpose: 'Language',
    remoteHost: null,
    state: { type: 'Available' },
    isDefault: false,
    demonstration: false,
    sizeBytes: null,
    memoryBytes: null,
    fits: true,
    contextWindowTokens: 8192,
    licence: 'Apache-2.0',
    description: '',
    ...changes,
  };
}

export const MODELS: readonly ModelView[] = [
  modelOf('smollm2-135m-instruct', 'SmolLM2 135M', {
    state: { type: 'Loaded' },
    isDefault: true,
    demonstration: true,
    sizeBytes: 98_362_432,
    memoryBytes: 312_000_000,
    description: 'Small and quick. Comes with Resident.',
  }),
  modelOf('qwen3-1.7b', 'Qwen3 1.7B', {
    state: { type: 'Downloadable' },
    sizeBytes: 1_107_000_000,
    memoryBytes: 2_400_000_000,
    contextWindowTokens: 32_768,
    description: 'Chooses its tools itself and writes well.',
  }),
  modelOf('qwen3-8b', 'Qwen3 8B', {
    state: { type: 'Downloadable' },
    sizeBytes: 5_030_000_000,
    memoryBytes: 9_800_000_000,
    fits: false,
    contextWindowTokens: 32_768,
    description: 'For computers with more memory.',
  }),
  modelOf('all-minilm-l6-v2', 'MiniLM L6 v2', {
    purpose: 'Embedding',
    state: { type: 'Loaded' },
    isDefault: true,
    sizeBytes: 90_868_376,
    memoryBytes: 120_000_000,
    contextWindowTokens: 256,
    description: 'Finds what was meant.',
  }),
];

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

/** A context window of about the size of its texts. */
export function contextOf(world: World, agent: AgentView): ContextView {
  const tokens = (text: string): number => Math.ceil(text.length / 4);
  const blocks = world.blocks.filter((block) => block.agentIds.includes(agent.id) && block.deletedAtMs === null);
  const inWindow = world.messages.filter((message) => message.agentId === agent.id && message.inWindow).slice(-80);
  const evicted = world.messages.some((message) => message.agentId === agent.id && !message.inWindow);
  const tools = agent.tools.map((name) => `{"name": "${name}", "description": "…", "parameters": {"type": "object"}}`);
  const parts: ContextView['parts'] = [
    { kind: 'Instructions', label: 'instructions', text: agent.system, tokens: 186 },
    ...tools.map((text, at) => ({ kind: 'Tools' as const, label: agent.tools[at] ?? '', text, tokens: 74 })),
    ...blocks.map((block) => ({ kind: 'Core' as const, label: block.label, text: block.value, tokens: tokens(block.value) + 12 })),
    ...(evicted
      ? [{ kind: 'Summary' as const, label: 'summary', text: 'They talked about the move, the novel’s second part and the trip to Bergen. The user decided to keep Wednesdays free.', tokens: 240 }]
      : []),
    ...inWindow.map((message) => ({ kind: 'Message' as const, label: message.role.toLowerCase(), text: message.content, tokens: tokens(message.content) + 6 })),
  ];
  const usedTokens = parts.reduce((sum, part) => sum + part.tokens, 0);
  return {
    model: 'SmolLM2 135M',
    usedTokens,
    windowTokens: 8192,
    pressureTokens: Math.round((8192 * world.settings.pressurePercent) / 100),
    compactionTokens: Math.round((8192 * world.settings.compactionPercent) / 100),
    parts,
    recallMessages: world.messages.filter((message) => message.agentId === agent.id).length,
    archivalPassages: world.passages.filter((passage) => passage.agentId === agent.id).length,
  };
}
