/**
 * What the conversation shows, made from messages, turns and memory changes: what was said, and for each turn one
 * answer in which thoughts, tool calls and memory changes are folded where they happened.
 */
import type { MemoryChange, MessageView, ToolCallView, TurnView } from '../backend/generated';
import { sameDay } from '../format/times';
import { writesMemory } from '../format/words';
import { saidByAgent } from '../groups/people';

export interface ToolUse {
  call: ToolCallView;
  /** The tool's message; `null` while it runs. */
  result: MessageView | null;
}

/** The stop reason of a turn whose call waits for the person's word. */
const WAITS = 'requires_approval';
/** The note that records the person's word; what came of it says the same. */
const APPROVAL = 'approval';

export type Work = { kind: 'thoughts'; key: string; text: string } | { kind: 'tool'; key: string; use: ToolUse };

export type Part =
  | { kind: 'work'; key: string; work: Work[] }
  | { kind: 'text'; key: string; message: MessageView }
  | { kind: 'changes'; key: string; changes: MemoryChange[] };

export type Entry =
  | { kind: 'day'; key: string; atMs: number }
  | { kind: 'evicted'; key: string }
  | { kind: 'said'; key: string; message: MessageView }
  | { kind: 'heard'; key: string; message: MessageView; agentId: string }
  | { kind: 'note'; key: string; message: MessageView }
  | { kind: 'answer'; key: string; turn: TurnView | null; parts: Part[]; last: boolean };

/** Tells memory changes apart, so that one that is told twice is shown once. */
export function changeKey(change: MemoryChange): string {
  switch (change.what.type) {
    case 'Block':
      return `block:${change.what.blockId}:${change.what.revision}`;
    case 'BlockRenamed':
    case 'BlockDescribed':
    case 'BlockRemoved':
      return `${change.what.type}:${change.what.blockId}:${change.atMs}`;
    case 'PassageSaved':
      return `saved:${change.what.passage.id}`;
    case 'PassageDeleted':
      return `deleted:${change.what.passage.id}:${change.atMs}`;
  }
}

function addWork(parts: Part[], work: Work): void {
  const last = parts.at(-1);
  if (last?.kind === 'work') last.work.push(work);
  else parts.push({ kind: 'work', key: `work:${work.key}`, work: [work] });
}

/** The place of a turn's change card: after the first memory tool, or before the last thing said. */
function placeChanges(parts: Part[], changes: MemoryChange[], turnId: string): void {
  if (changes.length === 0) return;
  const card: Part = { kind: 'changes', key: `changes:${turnId}`, changes };
  const tool = parts.findIndex(
    (part) => part.kind === 'work' && part.work.some((w) => w.kind === 'tool' && writesMemory(w.use.call.name)),
  );
  if (tool >= 0) {
    parts.splice(tool + 1, 0, card);
    return;
  }
  const text = parts.findLastIndex((part) => part.kind === 'text');
  parts.splice(text >= 0 ? text : parts.length, 0, card);
}

function partsOf(messages: readonly MessageView[]): Part[] {
  const parts: Part[] = [];
  const uses = new Map<string, ToolUse>();
  for (const message of messages) {
    if (message.role === 'Tool') {
      const use = message.toolCallId === null ? undefined : uses.get(message.toolCallId);
      if (use) use.result = message;
      continue;
    }
    if (message.thoughts) addWork(parts, { kind: 'thoughts', key: `${message.id}:thoughts`, text: message.thoughts });
    if (message.content.trim() !== '') parts.push({ kind: 'text', key: message.id, message });
    for (const call of message.toolCalls) {
      const use: ToolUse = { call, result: null };
      uses.set(call.id, use);
      addWork(parts, { kind: 'tool', key: `${message.id}:${call.id}`, use });
    }
  }
  return parts;
}

/** The call that waits for the person's word, where a turn ended to ask for it. */
export function waitingCall(entry: Extract<Entry, { kind: 'answer' }>): ToolCallView | null {
  if (!entry.last || entry.turn?.stopReason !== WAITS) return null;
  const uses = entry.parts.flatMap((part) => (part.kind === 'work' ? part.work : []));
  const waiting = uses.findLast((item) => item.kind === 'tool' && item.use.result === null);
  return waiting?.kind === 'tool' ? waiting.use.call : null;
}

/** The entries of a stretch of conversation, oldest first. */
export function entriesOf(
  messages: readonly MessageView[],
  turns: ReadonlyMap<string, TurnView>,
  changes: readonly MemoryChange[],
): Entry[] {
  const changesByTurn = groupByTurn(changes);
  const entries: Entry[] = [];
  const answers = new Map<string, { entry: Extract<Entry, { kind: 'answer' }>; messages: MessageView[] }>();
  let before: MessageView | undefined;

  const answerOf = (turnId: string): { messages: MessageView[] } => {
    const known = answers.get(turnId);
    if (known) return known;
    const entry = { kind: 'answer' as const, key: turnId, turn: turns.get(turnId) ?? null, parts: [], last: false };
    entries.push(entry);
    const answer = { entry, messages: [] as MessageView[] };
    answers.set(turnId, answer);
    return answer;
  };

  // A turn answers all that was said to it: what several said stands before the answer.
  const answerAfter = (turnId: string): void => {
    const known = answers.get(turnId);
    if (!known) answerOf(turnId);
    else if (known.messages.length === 0) entries.push(...entries.splice(entries.indexOf(known.entry), 1));
  };

  for (const message of messages) {
    if (!before || !sameDay(before.createdAtMs, message.createdAtMs)) {
      entries.push({ kind: 'day', key: `day:${message.id}`, atMs: message.createdAtMs });
    }
    if (before && !before.inWindow && message.inWindow) entries.push({ kind: 'evicted', key: 'evicted' });
    before = message;
    if (message.role === 'User') {
      const agentId = saidByAgent(message);
      if (agentId === null) entries.push({ kind: 'said', key: message.id, message });
      else entries.push({ kind: 'heard', key: message.id, message, agentId });
      if (message.turnId !== null && turns.has(message.turnId)) answerAfter(message.turnId);
    } else if (message.role === 'System') {
      if (message.name !== APPROVAL) entries.push({ kind: 'note', key: message.id, message });
    } else {
      answerOf(message.turnId ?? message.id).messages.push(message);
    }
  }

  for (const [turnId, { entry, messages: said }] of answers) {
    entry.parts = partsOf(said);
    placeChanges(entry.parts, changesByTurn.get(turnId) ?? [], turnId);
  }
  const last = entries.findLast((entry) => entry.kind === 'answer');
  if (last?.kind === 'answer') last.last = true;
  return entries;
}

function groupByTurn(changes: readonly MemoryChange[]): Map<string, MemoryChange[]> {
  const groups = new Map<string, MemoryChange[]>();
  for (const change of changes) {
    const group = groups.get(change.turnId ?? '');
    if (group) group.push(change);
    else groups.set(change.turnId ?? '', [change]);
  }
  return groups;
}
