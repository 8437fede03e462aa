/**
 * Scripted talks of groups, and scripted tidying: who has the word, what the others heard, and what each says, word by
 * word. Everyone says something short; who speaks when follows the rules of the real backend.
 */
import type { AgentView, GroupView, MessageView, TurnView } from '../generated';
import type { EventLog } from './events';
import type { TurnScript } from './turn';
import { byAgent, messageOf, newId, turnOf, type World } from './world';

const SAYINGS = [
  'I would begin with what takes longest. The rest can wait a week.',
  'Agreed, with one doubt: **the ground is still cold**. Let us look at it again on Sunday.',
  'Then I write it down: first the long one, then the two short ones.\n\n1. Dig over\n2. Sow\n3. Water in the evening',
];

export class GroupRunner {
  #cancelled = new Set<string>();

  constructor(
    private readonly world: World,
    private readonly log: EventLog,
    private readonly nowMs: () => number,
    private readonly script: TurnScript,
  ) {}

  cancel(groupId: string): void {
    this.#cancelled.add(groupId);
  }

  /** Says something to a group, and lets its agents speak. */
  begin(group: GroupView, text: string): void {
    const members = group.agentIds.map((id) => this.#agent(id));
    const manager = group.managerId === null ? null : this.#agent(group.managerId);
    this.#cancelled.delete(group.id);
    group.running = true;
    // Whoever only says who speaks hears it without answering it.
    const hears = group.kind === 'Dynamic' ? manager : null;
    if (hears) this.#record(hears, null, 'User', text, { groupId: group.id });
    void this.#talk(group, members.filter((member) => member !== null), manager, hears ? null : text);
  }

  /** Goes through what was said, and changes a block. */
  tidy(group: GroupView): void {
    this.#cancelled.delete(group.id);
    group.running = true;
    void this.#tidy(group);
  }

  #agent(id: string): AgentView | null {
    return this.world.agents.find((agent) => agent.id === id && agent.deletedAtMs === null) ?? null;
  }

  #pause(times = 1): Promise<void> {
    return new Promise((resolve) => setTimeout(resolve, this.script.pace * times));
  }

  #speaks(group: GroupView, running: boolean, agentId: string | null): void {
    Object.assign(group, { running, speakingId: agentId });
    this.log.emit({ type: 'GroupSpeaking', groupId: group.id, running, agentId });
  }

  #record(agent: AgentView, turn: TurnView | null, role: MessageView['role'], content: string, changes: Partial<MessageView>): MessageView {
    const seq = Math.max(0, ...this.world.messages.map((message) => message.seq)) + 1;
    const at = turn ?? turnOf(agent, this.nowMs());
    const message = { ...messageOf(at, seq, role, content, changes), turnId: turn?.id ?? null, createdAtMs: this.nowMs() };
    this.world.messages.push(message);
    this.log.emit({ type: 'MessageRecorded', message }, agent.id, turn?.id ?? null);
    const group = this.world.groups.find((candidate) => candidate.id === message.groupId);
    if (group) group.lastMessageAtMs = message.createdAtMs;
    return message;
  }

  #beginTurn(agent: AgentView): TurnView {
    const turn = turnOf(agent, this.nowMs(), { state: 'Running', stopReason: null, endedAtMs: null });
    this.world.turns.push(turn);
    agent.runningTurnId = turn.id;
    this.log.emit({ type: 'TurnStarted', turn: { ...turn } }, agent.id, turn.id);
    return turn;
  }

  #endTurn(agent: AgentView, turn: TurnView, changes: Partial<TurnView>): void {
    Object.assign(turn, { endedAtMs: this.nowMs(), ...changes });
    agent.runningTurnId = null;
    this.log.emit({ type: 'TurnEnded', turn: { ...turn } }, agent.id, turn.id);
  }

  async #talk(group: GroupView, members: readonly AgentView[], manager: AgentView | null, word: string | null): Promise<void> {
    const order = group.kind === 'Supervisor' && manager ? [...members, manager] : members;
    for (const [at, agent] of order.slice(0, group.maxTurns ?? order.length).entries()) {
      if (group.kind === 'Dynamic' && manager) {
        this.#speaks(group, true, manager.id);
        await this.#pause(6);
      }
      if (this.#cancelled.has(group.id) || !(await this.#speak(group, agent, at, at === 0 ? word : null))) break;
    }
    this.#speaks(group, false, null);
  }

  /** One agent's turn: it hears what it has not heard, and speaks; whether the talk goes on. */
  async #speak(group: GroupView, agent: AgentView, at: number, word: string | null): Promise<boolean> {
    this.#speaks(group, true, agent.id);
    const turn = this.#beginTurn(agent);
    this.#hear(group, agent, turn);
    if (word !== null) this.#record(agent, turn, 'User', word, { groupId: group.id });
    await this.#pause(4);
    if (this.script.failure) {
      this.#endTurn(agent, turn, { state: 'Failed', error: this.script.failure });
      return false;
    }
    const answer = this.script.answer ?? SAYINGS[at % SAYINGS.length] ?? '';
    const stepId = `${turn.id}-step`;
    for (const word of answer.match(/\s*\S+/g) ?? []) {
      this.log.emit({ type: 'TextDelta', stepId, text: word }, agent.id, turn.id);
      await this.#pause();
      if (this.#cancelled.has(group.id)) {
        this.#endTurn(agent, turn, { state: 'Cancelled', stopReason: 'cancelled' });
        return false;
      }
    }
    this.#record(agent, turn, 'Assistant', answer, { groupId: group.id });
    this.#endTurn(agent, turn, { state: 'Completed', stopReason: 'end_turn' });
    return true;
  }

  #hear(group: GroupView, agent: AgentView, turn: TurnView): void {
    const inGroup = this.world.messages.filter((message) => message.groupId === group.id);
    const heard = inGroup.findLastIndex((message) => message.agentId === agent.id);
    for (const message of inGroup.slice(heard + 1).filter((candidate) => candidate.originId === undefined)) {
      const senderId = message.role === 'Assistant' ? message.agentId : message.senderId;
      const name = senderId === undefined ? null : (this.#agent(senderId)?.name ?? null);
      const copy = { groupId: group.id, originId: message.id, name, ...(senderId === undefined ? {} : { senderId }) };
      this.#record(agent, turn, 'User', message.content, copy);
    }
  }

  async #tidy(group: GroupView): Promise<void> {
    const [tidier] = group.agentIds.map((id) => this.#agent(id));
    const manager = this.#agent(group.managerId ?? '');
    if (tidier && manager) {
      this.#speaks(group, true, tidier.id);
      const turn = this.#beginTurn(tidier);
      this.#record(tidier, turn, 'System', `This was said between ${manager.name} and its user since you last looked:`, { name: 'sleeptime' });
      await this.#pause(8);
      const block = this.world.blocks.find((candidate) => candidate.agentIds.includes(manager.id) && candidate.label === 'human');
      if (block && !this.#cancelled.has(group.id)) {
        const before = block.value;
        const after = [...new Set(before.split('\n'))].join('\n');
        const provenance = byAgent(tidier, 'memory_rethink', turn.id);
        Object.assign(block, { value: after, chars: [...after].length, revision: block.revision + 1, provenance, updatedAtMs: this.nowMs() });
        const revision = { number: block.revision, before, after, provenance, createdAtMs: this.nowMs() };
        this.world.revisions.set(block.id, [revision, ...(this.world.revisions.get(block.id) ?? [])]);
        const call = { id: newId('call'), name: 'memory_rethink', arguments: { label: block.label, new_memory: after } };
        this.#record(tidier, turn, 'Assistant', '', { toolCalls: [call] });
        this.#record(tidier, turn, 'Tool', `The block ${block.label} was changed.`, { toolCallId: call.id, name: call.name });
      }
      tidier.lastMessageAtMs = this.nowMs();
      group.waitingTurns = 0;
      this.#endTurn(tidier, turn, { state: 'Completed', stopReason: 'end_turn' });
      this.log.emit({ type: 'BlocksChanged' }, manager.id);
    }
    this.#speaks(group, false, null);
  }
}
