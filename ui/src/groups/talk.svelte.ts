/**
 * The talk of one group: what was said in it, what is being said now, and what a person can do to it. Driven by the event
 * stream. What a group says are turns of its agents, each in its own thread; a turn is known to be the group's by the
 * messages that are recorded in it.
 */
import type { Backend } from '../backend/backend';
import { toApiError } from '../backend/errors';
import type { ApiError, Event, GroupView, MessageView, TurnView } from '../backend/generated';
import type { LoadState } from '../chat/conversation.svelte';
import { advance, newLiveTurn, type LiveTurn } from '../chat/live';
import { lineOf, type Line } from './lines';

/** What is read when a talk is opened, and while someone scrolls: as in a conversation. */
const OPENING = 40;
const PAGE = 20;
/** The API's longest page. */
const MOST = 500;
const WAITS = 'requires_approval';

/** How the word of an agent came to a bad end. */
export interface Stumble {
  agentId: string;
  turnId: string;
  kind: 'failed' | 'asks';
  error: ApiError | null;
}

export class Talk {
  messages = $state.raw<readonly MessageView[]>([]);
  /** The turns that run, by their agents, in the order in which they got the word. */
  live = $state.raw<ReadonlyMap<string, LiveTurn>>(new Map());
  hasBefore = $state(false);
  load = $state.raw<LoadState>({ kind: 'loading' });
  sendError = $state.raw<ApiError | null>(null);
  stumble = $state.raw<Stumble | null>(null);
  stopping = $state(false);
  draft = $state('');

  readonly lines: Line[] = $derived(lineOf(this.messages));

  #meanwhile: MessageView[] | null = null;
  #paging = false;
  /** Grows with each opening: an answer to an earlier one is out of date. */
  #opening = 0;

  constructor(
    private readonly backend: Backend,
    readonly groupId: string,
    private readonly group: () => GroupView | undefined,
    private readonly runningTurn: (agentId: string) => string | null,
  ) {}

  get running(): boolean {
    return this.group()?.running ?? false;
  }

  /** Loads the newest page, as long as what is shown. */
  async open(): Promise<void> {
    this.#opening += 1;
    const opening = this.#opening;
    if (this.messages.length === 0) this.load = { kind: 'loading' };
    this.#meanwhile = [];
    try {
      const limit = Math.min(MOST, Math.max(OPENING, this.messages.length));
      const page = await this.backend.request('listGroupMessages', { groupId: this.groupId, limit });
      if (opening !== this.#opening) return;
      this.messages = page.messages;
      this.hasBefore = page.hasMoreBefore;
      for (const message of this.#meanwhile ?? []) this.#insert(message);
      this.#takeUp();
      this.load = { kind: 'ready' };
    } catch (error) {
      if (opening !== this.#opening) return;
      this.load = { kind: 'failed', error: toApiError(error) };
    }
    this.#meanwhile = null;
  }

  /** Where the group talks already, the turn of whoever has the word. */
  #takeUp(): void {
    const speakingId = this.group()?.speakingId ?? null;
    if (!this.running || speakingId === null || this.live.has(speakingId)) return;
    const turnId = this.runningTurn(speakingId);
    if (turnId !== null) this.#setLive(speakingId, newLiveTurn(turnId));
  }

  /** Loads the page before what is shown. */
  async older(): Promise<void> {
    const [first] = this.messages;
    if (!first || !this.hasBefore || this.#paging) return;
    this.#paging = true;
    try {
      const page = await this.backend.request('listGroupMessages', { groupId: this.groupId, beforeSeq: first.seq, limit: PAGE });
      this.messages = [...page.messages, ...this.messages];
      this.hasBefore = page.hasMoreBefore;
    } catch (error) {
      this.sendError = toApiError(error);
    }
    this.#paging = false;
  }

  /** Says something to the group; `false` when it could not be, with the reason in `sendError`. */
  async send(text: string): Promise<boolean> {
    this.stumble = null;
    return this.#act(() => this.backend.request('sendToGroup', { groupId: this.groupId, text }));
  }

  /** Stops whoever has the word, and everybody after. */
  async stop(): Promise<void> {
    if (!this.running || this.stopping) return;
    this.stopping = true;
    if (!(await this.#act(() => this.backend.request('cancelGroup', { groupId: this.groupId })))) this.stopping = false;
  }

  /** Takes in one event of any agent. */
  apply(event: Event): void {
    const { what } = event;
    switch (what.type) {
      case 'MessageRecorded':
        if (what.message.groupId === this.groupId) this.#record(what.message);
        break;
      case 'TurnEnded':
        this.#end(what.turn);
        return;
      case 'GroupSpeaking':
        if (what.groupId === this.groupId && !what.running) {
          this.live = new Map();
          this.stopping = false;
        }
        return;
      case 'MessagesChanged':
        void this.open();
        return;
      default:
        break;
    }
    const live = event.agentId === null ? undefined : this.live.get(event.agentId);
    if (event.agentId !== null && live && live.turnId === event.turnId) this.#setLive(event.agentId, advance(live, what));
  }

  #record(message: MessageView): void {
    if (message.turnId !== null && this.live.get(message.agentId)?.turnId !== message.turnId) {
      this.#setLive(message.agentId, newLiveTurn(message.turnId));
    }
    if (message.originId !== undefined || message.content === '') return;
    if (message.role !== 'User' && message.role !== 'Assistant') return;
    this.#meanwhile?.push(message);
    this.#insert(message);
  }

  #insert(message: MessageView): void {
    const others = this.messages.filter((other) => other.id !== message.id);
    const at = others.findLastIndex((other) => other.seq < message.seq) + 1;
    this.messages = [...others.slice(0, at), message, ...others.slice(at)];
  }

  #setLive(agentId: string, turn: LiveTurn): void {
    this.live = new Map(this.live).set(agentId, turn);
  }

  #end(turn: TurnView): void {
    if (this.live.get(turn.agentId)?.turnId !== turn.id) return;
    const live = new Map(this.live);
    live.delete(turn.agentId);
    this.live = live;
    const about = { agentId: turn.agentId, turnId: turn.id };
    if (turn.state === 'Failed') this.stumble = { ...about, kind: 'failed', error: turn.error };
    else if (turn.stopReason === WAITS) this.stumble = { ...about, kind: 'asks', error: null };
  }

  async #act(work: () => Promise<unknown>): Promise<boolean> {
    this.sendError = null;
    try {
      await work();
      return true;
    } catch (error) {
      this.sendError = toApiError(error);
      return false;
    }
  }
}
