/**
 * A scripted turn: reads, thinks, changes memory where it is asked to remember, and answers word by word.
 */
import type { AgentView, BlockView, TurnView } from '../generated';
import type { EventLog } from './events';
import { byAgent, messageOf, newId, type World } from './world';

export interface TurnScript {
  /** Milliseconds between two events. */
  pace: number;
  /** What is answered; chosen from what was said when left out. */
  answer?: string;
  /** Ends the turn with this instead of an answer. */
  failure?: NonNullable<TurnView['error']>;
}

const LONG = 'Here is a longer one. It has **bold** words, `code`, and a list:\n\n- first\n- second\n- third\n\n```ts\nconst answer = 42;\n```\n\nAnd a last paragraph that goes on for a while, so that the page has something to scroll.';

function answerTo(text: string): string {
  if (/remember|keep in mind/i.test(text)) return 'Noted. I will keep that in mind.';
  if (/long/i.test(text)) return LONG;
  return 'I hear you. Tell me what to remember, and you will see it on the right.';
}

/** `Remember I prefer tea.` becomes `The user prefers tea.`, roughly. */
function factOf(text: string): string {
  const fact = text.replace(/^.*?(remember|keep in mind)( that)?\s*/i, '').replace(/\.$/, '');
  return `${fact.charAt(0).toUpperCase()}${fact.slice(1)}.`;
}

export class TurnRunner {
  #cancelled = new Set<string>();

  constructor(
    private readonly world: World,
    private readonly log: EventLog,
    private readonly nowMs: () => number,
    private readonly script: TurnScript,
  ) {}

  cancel(turnId: string): void {
    this.#cancelled.add(turnId);
  }

  #pause(times = 1): Promise<void> {
    return new Promise((resolve) => setTimeout(resolve, this.script.pace * times));
  }

  #end(agent: AgentView, turn: TurnView, changes: Partial<TurnView>): void {
    Object.assign(turn, { endedAtMs: this.nowMs(), ...changes });
    agent.runningTurnId = null;
    this.log.emit({ type: 'TurnEnded', turn: { ...turn } }, agent.id, turn.id);
  }

  #record(agent: AgentView, message: ReturnType<typeof messageOf>): void {
    const recorded = { ...message, createdAtMs: this.nowMs() };
    this.world.messages.push(recorded);
    agent.lastMessageAtMs = recorded.createdAtMs;
    this.log.emit({ type: 'MessageRecorded', message: recorded }, agent.id, message.turnId);
  }

  #seq(): number {
    return Math.max(0, ...this.world.messages.slice(-50).map((message) => message.seq)) + 1;
  }

  /** Begins a turn for what was said. */
  begin(agent: AgentView, text: string): TurnView {
    const turn: TurnView = {
      id: newId('turn'),
      agentId: agent.id,
      state: 'Running',
      stopReason: null,
      error: null,
      startedAtMs: this.nowMs(),
      endedAtMs: null,
    };
    this.world.turns.push(turn);
    agent.runningTurnId = turn.id;
    this.log.emit({ type: 'TurnStarted', turn: { ...turn } }, agent.id, turn.id);
    this.#record(agent, messageOf(turn, this.#seq(), 'User', text));
    void this.#run(agent, turn, text);
    return { ...turn };
  }

  /** Goes on with a turn whose call waited: the call's result, then the answer. */
  resume(agent: AgentView, turn: TurnView, result: string): TurnView {
    const call = this.world.messages.findLast((message) => message.turnId === turn.id && message.toolCalls.length > 0)?.toolCalls[0];
    Object.assign(turn, { state: 'Running', stopReason: null, endedAtMs: null });
    agent.runningTurnId = turn.id;
    this.log.emit({ type: 'TurnStarted', turn: { ...turn } }, agent.id, turn.id);
    this.#record(agent, messageOf(turn, this.#seq(), 'Tool', result, { toolCallId: call?.id ?? null, name: call?.name ?? null }));
    void this.#run(agent, turn, '');
    return { ...turn };
  }

  async #run(agent: AgentView, turn: TurnView, text: string): Promise<void> {
    const stepId = `${turn.id}-step`;
    const stopped = (): boolean => {
      if (!this.#cancelled.has(turn.id)) return false;
      this.#end(agent, turn, { state: 'Cancelled', stopReason: 'cancelled' });
      return true;
    };
    await this.#pause(2);
    for (const share of [0.3, 0.7, 1]) {
      this.log.emit({ type: 'PromptReading', tokens: Math.round(3000 * share), of: 3000 }, agent.id, turn.id);
      await this.#pause(3);
      if (stopped()) return;
    }
    if (this.script.failure) {
      this.#end(agent, turn, { state: 'Failed', error: this.script.failure });
      return;
    }
    if (/remember|keep in mind/i.test(text)) await this.#remember(agent, turn, text);
    const answer = this.script.answer ?? answerTo(text);
    for (const word of answer.match(/\s*\S+/g) ?? []) {
      this.log.emit({ type: 'TextDelta', stepId, text: word }, agent.id, turn.id);
      await this.#pause();
      if (stopped()) return;
    }
    this.#record(agent, messageOf(turn, this.#seq(), 'Assistant', answer));
    this.#end(agent, turn, { state: 'Completed', stopReason: 'end_turn' });
  }

  async #remember(agent: AgentView, turn: TurnView, text: string): Promise<void> {
    const block = this.world.blocks.find((candidate) => candidate.label === 'human' && candidate.agentIds.includes(agent.id));
    if (!block) return;
    const callId = newId('call');
    const fact = factOf(text);
    const call = { id: callId, name: 'memory_insert', arguments: { label: 'human', new_str: fact } };
    this.log.emit(
      { type: 'ToolCallDelta', stepId: `${turn.id}-call`, index: 0, name: call.name, argumentsDelta: JSON.stringify(call.arguments) },
      agent.id,
      turn.id,
    );
    await this.#pause(3);
    this.#record(agent, messageOf(turn, this.#seq(), 'Assistant', '', { stepId: `${turn.id}-call`, toolCalls: [call] }));
    this.#change(agent, turn, block, fact);
    this.#record(agent, messageOf(turn, this.#seq(), 'Tool', 'The block human was changed.', { toolCallId: callId, name: call.name }));
  }

  #change(agent: AgentView, turn: TurnView, block: BlockView, fact: string): void {
    const before = block.value;
    const after = before === '' ? fact : `${before}\n${fact}`;
    const provenance = byAgent(agent, 'memory_insert', turn.id);
    Object.assign(block, { value: after, chars: [...after].length, revision: block.revision + 1, provenance, updatedAtMs: this.nowMs() });
    const revisions = this.world.revisions.get(block.id) ?? [];
    this.world.revisions.set(block.id, [
      { number: block.revision, before, after, provenance, createdAtMs: this.nowMs() },
      ...revisions,
    ]);
    const change = {
      turnId: turn.id,
      provenance,
      what: { type: 'Block' as const, blockId: block.id, label: block.label, revision: block.revision, before, after },
      atMs: this.nowMs(),
      undone: false,
    };
    this.world.changes.push(change);
    this.log.emit({ type: 'MemoryChanged', change }, agent.id, turn.id);
  }
}
