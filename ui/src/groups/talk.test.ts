import { beforeEach, describe, expect, it } from 'vitest';

import type { Event, EventKind, GroupView, MessageView } from '../backend/generated';
import { companyWorld, crowdedWorld } from '../backend/scripted/company';
import { ScriptedBackend } from '../backend/scripted/scripted';
import { messageOf, turnOf } from '../backend/scripted/world';
import { Groups } from './groups.svelte';
import { lineOf } from './lines';
import { groupName, inARow, isOwnWord, saidByAgent } from './people';
import type { Talk } from './talk.svelte';

const NOW = new Date(2026, 10, 23, 12).getTime();

let backend: ScriptedBackend;
let groups: Groups;
let group: GroupView;
let talk: Talk;
let seq = 0;

function tell(what: EventKind, agentId: string | null = null, turnId: string | null = null): void {
  seq += 1;
  const event: Event = { seq, atMs: NOW, agentId, turnId, what };
  groups.apply(event);
}

const agentId = (name: string): string => backend.world.agents.find((agent) => agent.name === name)!.id;
const agent = (name: string) => backend.world.agents.find((candidate) => candidate.name === name)!;

async function follow(world = companyWorld(NOW)): Promise<void> {
  backend = new ScriptedBackend({ world, script: { pace: 0 } });
  groups = new Groups(backend, () => null, (thrown) => { throw thrown; });
  await groups.load();
  group = groups.talking[0]!;
  talk = groups.talk(group.id);
  await talk.open();
}

beforeEach(() => follow());

describe('a talk driven by events', () => {
  it('streams the turn in which something of the group was recorded, and no other', () => {
    const own = turnOf(agent('Ida'), NOW, { state: 'Running' });
    tell({ type: 'TurnStarted', turn: own }, own.agentId, own.id);
    tell({ type: 'TextDelta', stepId: 's', text: 'for the person alone' }, own.agentId, own.id);
    expect(talk.live.size).toBe(0);
    const turn = turnOf(agent('Bo'), NOW, { state: 'Running' });
    const copy: MessageView = messageOf(turn, 999, 'User', 'Hello', { groupId: group.id, originId: 'message-x' });
    tell({ type: 'MessageRecorded', message: copy }, turn.agentId, turn.id);
    tell({ type: 'TextDelta', stepId: 's', text: 'One' }, turn.agentId, turn.id);
    expect(talk.live.get(turn.agentId)?.steps[0]?.text).toBe('One');
    expect(talk.messages.some((message) => message.id === copy.id)).toBe(false);
    const said = messageOf(turn, 1000, 'Assistant', 'One two.', { groupId: group.id, stepId: 's' });
    tell({ type: 'MessageRecorded', message: said }, turn.agentId, turn.id);
    expect(talk.live.get(turn.agentId)?.steps).toEqual([]);
    expect(talk.messages.at(-1)).toEqual(said);
    tell({ type: 'TurnEnded', turn: { ...turn, state: 'Completed' } }, turn.agentId, turn.id);
    expect(talk.live.size).toBe(0);
  });

  it('knows who has the word, and that nobody has', () => {
    tell({ type: 'GroupSpeaking', groupId: group.id, running: true, agentId: agentId('Bo') });
    expect(groups.of(group.id)).toMatchObject({ running: true, speakingId: agentId('Bo') });
    expect(talk.running).toBe(true);
    tell({ type: 'GroupSpeaking', groupId: group.id, running: false, agentId: null });
    expect(talk.running).toBe(false);
  });

  it('says that one waits for the person’s word', () => {
    const turn = turnOf(agent('Bo'), NOW, { state: 'Running' });
    tell({ type: 'MessageRecorded', message: messageOf(turn, 999, 'User', 'Hello', { groupId: group.id }) }, turn.agentId, turn.id);
    tell({ type: 'TurnEnded', turn: { ...turn, state: 'Completed', stopReason: 'requires_approval' } }, turn.agentId, turn.id);
    expect(talk.stumble).toMatchObject({ agentId: turn.agentId, kind: 'asks' });
  });

  it('shows a message that is told twice once', () => {
    const message = messageOf(turnOf(agent('Ida'), NOW), 999, 'User', 'Hello', { groupId: group.id });
    const before = talk.messages.length;
    tell({ type: 'MessageRecorded', message });
    tell({ type: 'MessageRecorded', message });
    expect(talk.messages).toHaveLength(before + 1);
  });

  it('takes up the turn of whoever speaks when it is opened in the middle', async () => {
    Object.assign(backend.world.groups[0]!, { running: true, speakingId: agentId('Bo') });
    groups = new Groups(backend, (id) => (id === agentId('Bo') ? 'turn-b' : null), () => {});
    await groups.load();
    talk = groups.talk(group.id);
    await talk.open();
    expect(talk.live.get(agentId('Bo'))?.turnId).toBe('turn-b');
  });

  it('keeps what is being written when everything is loaded afresh', async () => {
    talk.draft = 'Half a thou';
    await groups.reset();
    expect(groups.talk(group.id)).not.toBe(talk);
    expect(groups.talk(group.id).draft).toBe('Half a thou');
  });
});

describe('pages of a long talk', () => {
  it('lead to its beginning, each thing once and in order', async () => {
    await follow(crowdedWorld(NOW));
    expect(talk.messages).toHaveLength(40);
    while (talk.hasBefore) await talk.older();
    expect(talk.messages).toHaveLength(2000);
    const seqs = talk.messages.map((message) => message.seq);
    expect(seqs).toEqual(seqs.toSorted((a, b) => a - b));
    expect(new Set(talk.lines.map((line) => line.key)).size).toBe(talk.lines.length);
  });
});

describe('lines', () => {
  it('name whoever speaks once, until another does or a while passes', () => {
    const turn = turnOf(agent('Ida'), NOW);
    const at = (minutes: number, id: string) => messageOf({ ...turn, agentId: id }, minutes, 'Assistant', 'x', { createdAtMs: NOW + minutes * 60_000 });
    const lines = lineOf([at(0, 'agent-a'), at(1, 'agent-a'), at(2, 'agent-b'), at(3, 'agent-a'), at(50, 'agent-a')]);
    expect(lines.map((line) => (line.kind === 'said' ? line.named : line.kind))).toEqual(['day', true, false, true, true, true]);
  });
});

describe('people', () => {
  it('are told from agents by their ids', () => {
    const turn = turnOf(agent('Ida'), NOW);
    const said = (changes: Partial<MessageView>) => messageOf(turn, 1, 'User', 'x', changes);
    expect(saidByAgent(said({ senderId: 'agent-1' }))).toBe('agent-1');
    expect(saidByAgent(said({ senderId: 'identity-1' }))).toBeNull();
    expect(isOwnWord(said({}))).toBe(true);
    expect(isOwnWord(said({ groupId: 'group-1' }))).toBe(false);
    expect(isOwnWord(said({ senderId: 'agent-1' }))).toBe(false);
  });

  it('stand in a row, and name a group that has no words of its own', () => {
    expect([inARow(['Ida']), inARow(['Ida', 'Bo']), inARow(['Ida', 'Bo', 'Mona'])]).toEqual(['Ida', 'Ida and Bo', 'Ida, Bo and Mona']);
    const { agents } = backend.world;
    expect(groupName({ ...group, description: ' \n' }, agents)).toBe('Ida and Bo');
    expect(groupName({ ...group, description: 'One.\nTwo.' }, agents)).toBe('One.');
    expect(groupName({ ...group, description: '', agentIds: agents.map((other) => other.id) }, agents)).toBe('Ada, Ida, Bo and others');
    expect(groupName({ ...group, description: '' }, [])).toBe('A group');
  });
});
