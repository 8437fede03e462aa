import { beforeEach, describe, expect, it } from 'vitest';

import { coalesce } from '../backend/frames';
import type { Event, EventKind, MessageView, TurnView } from '../backend/generated';
import { ScriptedBackend } from '../backend/scripted/scripted';
import { overfullWorld } from '../backend/scripted/overfull';
import { usualWorld } from '../backend/scripted/usual';
import { messageOf, turnOf } from '../backend/scripted/world';
import { Conversation } from './conversation.svelte';
import { entriesOf } from './entries';

const NOW = new Date(2026, 10, 23, 12).getTime();

let backend: ScriptedBackend;
let conversation: Conversation;
let turn: TurnView;
let seq = 0;

function event(what: EventKind, turnId: string | null = turn.id): Event {
  seq += 1;
  return { seq, atMs: NOW, agentId: conversation.agentId, turnId, what };
}

function said(role: MessageView['role'], content: string, changes: Partial<MessageView> = {}): MessageView {
  return messageOf(turn, 1000 + seq, role, content, changes);
}

beforeEach(async () => {
  backend = new ScriptedBackend({ world: usualWorld(NOW), script: { pace: 0 } });
  const agent = backend.world.agents[0]!;
  conversation = new Conversation(backend, agent.id);
  turn = turnOf(agent, NOW, { state: 'Running', endedAtMs: null });
  await conversation.open();
});

describe('a conversation driven by events', () => {
  it('goes through loading, reading, writing and its end', () => {
    conversation.apply(event({ type: 'TurnStarted', turn }));
    expect(conversation.live?.phase).toEqual({ kind: 'waiting' });
    conversation.apply(event({ type: 'ModelLoading', name: 'SmolLM2 135M' }));
    expect(conversation.live?.phase).toEqual({ kind: 'loading', name: 'SmolLM2 135M' });
    conversation.apply(event({ type: 'PromptReading', tokens: 1240, of: 3000 }));
    expect(conversation.live?.phase).toEqual({ kind: 'reading', tokens: 1240, of: 3000 });
    conversation.apply(event({ type: 'TextDelta', stepId: 's', text: 'Not' }));
    conversation.apply(event({ type: 'TextDelta', stepId: 's', text: 'ed.' }));
    expect(conversation.live?.steps).toEqual([{ id: 's', text: 'Noted.', thoughts: '', calls: [] }]);
    conversation.apply(event({ type: 'TurnEnded', turn: { ...turn, state: 'Completed' } }));
    expect(conversation.running).toBe(false);
  });

  it('puts a recorded message in the place of what was streamed for its step', () => {
    conversation.apply(event({ type: 'TurnStarted', turn }));
    conversation.apply(event({ type: 'TextDelta', stepId: 's', text: 'Noted.' }));
    const message = said('Assistant', 'Noted.', { stepId: 's' });
    conversation.apply(event({ type: 'MessageRecorded', message }));
    expect(conversation.live?.steps).toEqual([]);
    expect(conversation.messages.filter((other) => other.content === 'Noted.')).toHaveLength(1);
  });

  it('shows a message that is told twice once', () => {
    const message = said('User', 'Hello.');
    conversation.apply(event({ type: 'MessageRecorded', message }));
    conversation.apply(event({ type: 'MessageRecorded', message }));
    expect(conversation.messages.filter((other) => other.id === message.id)).toHaveLength(1);
  });

  it('joins the pieces of a tool call', () => {
    conversation.apply(event({ type: 'TurnStarted', turn }));
    conversation.apply(event({ type: 'ToolCallDelta', stepId: 's', index: 0, name: 'memory_insert', argumentsDelta: '{"la' }));
    conversation.apply(event({ type: 'ToolCallDelta', stepId: 's', index: 0, name: '', argumentsDelta: 'bel":1}' }));
    expect(conversation.live?.steps[0]?.calls).toEqual([{ index: 0, name: 'memory_insert', argumentsText: '{"label":1}' }]);
  });

  it('does not mix another turn into the one that runs', () => {
    conversation.apply(event({ type: 'TurnStarted', turn }));
    conversation.apply(event({ type: 'TextDelta', stepId: 's', text: 'late' }, 'another-turn'));
    expect(conversation.live?.steps).toEqual([]);
  });

  it('keeps a message that is recorded while a page loads', async () => {
    const loading = conversation.open();
    const message = said('User', 'Meanwhile.');
    conversation.apply(event({ type: 'MessageRecorded', message }));
    await loading;
    expect(conversation.messages.at(-1)?.content).toBe('Meanwhile.');
  });

  it('holds a change once, in its newest form', () => {
    const [change] = conversation.changes;
    conversation.apply(event({ type: 'MemoryChanged', change: { ...change!, undone: true } }));
    expect(conversation.changes).toHaveLength(1);
    expect(conversation.changes[0]?.undone).toBe(true);
  });
});

describe('pages of a long history', () => {
  it('goes to the beginning and back with a bounded number of messages', async () => {
    const world = overfullWorld(NOW);
    const long = new Conversation(new ScriptedBackend({ world }), world.agents[0]!.id);
    await long.open();
    expect(long.messages).toHaveLength(40);
    expect(long.hasBefore).toBe(true);
    let pages = 0;
    while (long.hasBefore) {
      await long.older();
      pages += 1;
      expect(long.messages.length).toBeLessThanOrEqual(600);
    }
    expect(pages).toBe(Math.ceil((world.messages.length - 40) / 20));
    expect(long.messages[0]?.seq).toBe(1);
    expect(long.hasAfter).toBe(true);
    while (long.hasAfter) await long.newer();
    expect(long.messages.at(-1)?.content).toBe('It rains, as it mostly does. Between');
    const seqs = long.messages.map((message) => message.seq);
    expect(seqs).toEqual(seqs.toSorted((a, b) => a - b));
    expect(new Set(seqs).size).toBe(seqs.length);
  });

  it('opens around a message', async () => {
    const world = overfullWorld(NOW);
    const long = new Conversation(new ScriptedBackend({ world }), world.agents[0]!.id);
    const target = world.messages[2000]!;
    await long.open(target.id);
    expect(long.messages.some((message) => message.id === target.id)).toBe(true);
    expect(long.hasBefore && long.hasAfter).toBe(true);
    expect(long.focusId).toBe(target.id);
  });
});

describe('entries', () => {
  it('fold thoughts, a tool call and its result into the answer they belong to', () => {
    const answers = conversation.entries.filter((entry) => entry.kind === 'answer');
    const recall = answers.at(-2);
    expect(recall?.parts.map((part) => part.kind)).toEqual(['work', 'text']);
    const [work] = recall?.parts ?? [];
    expect(work?.kind === 'work' && work.work.map((item) => item.kind)).toEqual(['thoughts', 'tool']);
  });

  it('put the change card after the tool that made the change', () => {
    const last = conversation.entries.findLast((entry) => entry.kind === 'answer');
    expect(last?.parts.map((part) => part.kind)).toEqual(['work', 'changes', 'text']);
    expect(last?.last).toBe(true);
  });

  it('mark days and the place where what is above is no longer in mind', () => {
    const kinds = conversation.entries.map((entry) => entry.kind);
    expect(kinds.filter((kind) => kind === 'day').length).toBeGreaterThanOrEqual(3);
    expect(kinds.filter((kind) => kind === 'evicted')).toHaveLength(1);
  });

  it('show a turn that ended before it said anything', () => {
    const failed = turnOf(backend.world.agents[0]!, NOW, { state: 'Interrupted' });
    const entries = entriesOf([messageOf(failed, 1, 'User', 'Hello')], new Map([[failed.id, failed]]), []);
    expect(entries.map((entry) => entry.kind)).toEqual(['day', 'said', 'answer']);
  });

  it('put the answer after all that was said to it', () => {
    const said = turnOf(backend.world.agents[0]!, NOW);
    const heard = messageOf(said, 1, 'User', 'Beans.', { senderId: 'agent-b', name: 'Bo', groupId: 'group-1', originId: 'message-0' });
    const messages = [heard, messageOf(said, 2, 'User', 'And when?'), messageOf(said, 3, 'Assistant', 'In May.')];
    const kinds = entriesOf(messages, new Map([[said.id, said]]), []).map((entry) => entry.kind);
    expect(kinds).toEqual(['day', 'heard', 'said', 'answer']);
  });

  it('have keys of their own', () => {
    const keys = conversation.entries.map((entry) => entry.key);
    expect(new Set(keys).size).toBe(keys.length);
  });
});

describe('events of one frame', () => {
  it('join pieces of one text and keep the order of the rest', () => {
    const batch = coalesce([
      event({ type: 'TextDelta', stepId: 'a', text: 'One ' }),
      event({ type: 'TextDelta', stepId: 'a', text: 'two' }),
      event({ type: 'ThoughtsDelta', stepId: 'a', text: 'hm' }),
      event({ type: 'TextDelta', stepId: 'b', text: 'three' }),
    ]);
    expect(batch.map(({ what }) => what)).toEqual([
      { type: 'TextDelta', stepId: 'a', text: 'One two' },
      { type: 'ThoughtsDelta', stepId: 'a', text: 'hm' },
      { type: 'TextDelta', stepId: 'b', text: 'three' },
    ]);
    expect(batch.map(({ seq: number }) => number)).toEqual(batch.map(({ seq: number }) => number).toSorted((a, b) => a - b));
  });
});
