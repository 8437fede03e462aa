/**
 * One agent's conversation: the stretch of history that is loaded, the turn that runs, and what a person can do to
 * them. Driven by the event stream; a page that is loaded meanwhile and the stream are merged by message id.
 *
 * At most `KEEP` messages are held: paging one way lets go of the far end, so that a history of any length costs the
 * same.
 */
import type { Backend } from '../backend/backend';
import { toApiError } from '../backend/errors';
import type { ApiError, Event, MemoryChange, MessagePage, MessageView, TurnView } from '../backend/generated';
import { changeKey, entriesOf, type Entry } from './entries';
import { advance, newLiveTurn, type LiveTurn } from './live';

/** What is read when a conversation is opened: more than a tall window shows. */
const OPENING = 40;
/** What is read while someone scrolls: so little that no frame takes long. */
const PAGE = 20;
const KEEP = 600;

export type LoadState = { kind: 'loading' } | { kind: 'ready' } | { kind: 'failed'; error: ApiError };

function insert(messages: readonly MessageView[], message: MessageView): MessageView[] {
  const others = messages.filter((other) => other.id !== message.id);
  const at = others.findLastIndex((other) => other.seq < message.seq) + 1;
  return [...others.slice(0, at), message, ...others.slice(at)];
}

export class Conversation {
  messages = $state.raw<readonly MessageView[]>([]);
  turns = $state.raw<ReadonlyMap<string, TurnView>>(new Map());
  changes = $state.raw<readonly MemoryChange[]>([]);
  live = $state.raw<LiveTurn | null>(null);
  hasBefore = $state(false);
  hasAfter = $state(false);
  load = $state.raw<LoadState>({ kind: 'loading' });
  /** Why the last message could not be sent; it stays in the composer. */
  sendError = $state.raw<ApiError | null>(null);
  /** What the composer holds, so that it outlives a look at another agent. */
  draft = $state('');
  /** A message to be scrolled to and marked. */
  focusId = $state<string | null>(null);

  readonly entries: Entry[] = $derived(entriesOf(this.messages, this.turns, this.changes));

  #recordedMeanwhile: MessageView[] | null = null;
  #paging = false;

  constructor(
    private readonly backend: Backend,
    readonly agentId: string,
  ) {}

  get running(): boolean {
    return this.live !== null;
  }

  get stopping(): boolean {
    return this.live?.stopping ?? false;
  }

  /** Loads the newest page, or the page around a message. */
  async open(aroundMessageId?: string): Promise<void> {
    if (this.messages.length === 0) this.load = { kind: 'loading' };
    this.#recordedMeanwhile = [];
    try {
      const page = await this.backend.request('listMessages', {
        agentId: this.agentId,
        limit: aroundMessageId === undefined ? Math.min(KEEP, Math.max(OPENING, this.messages.length)) : OPENING,
        ...(aroundMessageId === undefined ? {} : { aroundMessageId }),
      });
      const meanwhile = this.#recordedMeanwhile ?? [];
      this.messages = page.messages;
      this.turns = new Map();
      this.changes = [];
      this.#merge(page);
      this.hasBefore = page.hasMoreBefore;
      this.hasAfter = page.hasMoreAfter;
      for (const message of meanwhile) this.#record(message);
      const running = page.turns.find((turn) => turn.state === 'Running');
      if (running && this.live === null) this.live = newLiveTurn(running.id);
      this.load = { kind: 'ready' };
      if (aroundMessageId !== undefined) this.focusId = aroundMessageId;
    } catch (error) {
      this.load = { kind: 'failed', error: toApiError(error) };
    } finally {
      this.#recordedMeanwhile = null;
    }
  }

  /** Loads the page before what is shown. */
  async older(): Promise<void> {
    const first = this.messages[0];
    if (!first || !this.hasBefore || this.#paging) return;
    await this.#page({ beforeSeq: first.seq }, (page) => {
      const joined = [...page.messages, ...this.messages];
      if (joined.length > KEEP) this.hasAfter = true;
      this.messages = joined.slice(0, KEEP);
      this.hasBefore = page.hasMoreBefore;
    });
  }

  /** Loads the page after what is shown. */
  async newer(): Promise<void> {
    const last = this.messages.at(-1);
    if (!last || !this.hasAfter || this.#paging) return;
    await this.#page({ afterSeq: last.seq }, (page) => {
      const joined = [...this.messages, ...page.messages];
      if (joined.length > KEEP) this.hasBefore = true;
      this.messages = joined.slice(-KEEP);
      this.hasAfter = page.hasMoreAfter;
    });
  }

  async #page(where: { beforeSeq: number } | { afterSeq: number }, take: (page: MessagePage) => void): Promise<void> {
    this.#paging = true;
    try {
      const page = await this.backend.request('listMessages', { agentId: this.agentId, limit: PAGE, ...where });
      take(page);
      this.#merge(page);
    } catch (error) {
      this.sendError = toApiError(error);
    } finally {
      this.#paging = false;
    }
  }

  #merge(page: MessagePage): void {
    const turns = new Map(this.turns);
    for (const turn of page.turns) turns.set(turn.id, turn);
    this.turns = turns;
    const changes = new Map(this.changes.map((change) => [changeKey(change), change]));
    for (const change of page.changes) changes.set(changeKey(change), change);
    this.changes = [...changes.values()];
  }

  #record(message: MessageView): void {
    const last = this.messages.at(-1);
    if (this.hasAfter && last && message.seq > last.seq) return;
    this.messages = insert(this.messages, message);
  }

  #setTurn(turn: TurnView): void {
    this.turns = new Map(this.turns).set(turn.id, turn);
  }

  /** Takes in one event of this agent. */
  apply(event: Event): void {
    const { what } = event;
    switch (what.type) {
      case 'TurnStarted':
        this.begin(what.turn);
        return;
      case 'MessageRecorded':
        this.#recordedMeanwhile?.push(what.message);
        this.#record(what.message);
        break;
      case 'MemoryChanged': {
        const key = changeKey(what.change);
        this.changes = [...this.changes.filter((change) => changeKey(change) !== key), what.change];
        return;
      }
      case 'MemoryChangeMarked': {
        const key = changeKey(what.change);
        this.changes = this.changes.map((change) => (changeKey(change) === key ? what.change : change));
        return;
      }
      case 'TurnEnded':
        this.#setTurn(what.turn);
        if (this.live?.turnId === what.turn.id) this.live = null;
        return;
      case 'MessagesChanged':
      case 'Compacted':
        if (!this.hasAfter) void this.open();
        return;
      default:
        break;
    }
    if (this.live && (event.turnId === null || event.turnId === this.live.turnId)) {
      this.live = advance(this.live, what);
    }
  }

  /** Shows a turn as running. */
  begin(turn: TurnView): void {
    this.#setTurn(turn);
    if (turn.state === 'Running' && this.live?.turnId !== turn.id) this.live = newLiveTurn(turn.id);
  }

  /** Sends a message; `false` when it could not be, with the reason in `sendError`. */
  async send(text: string): Promise<boolean> {
    return this.#act(async () => {
      if (this.hasAfter) await this.open();
      this.begin(await this.backend.request('sendMessage', { agentId: this.agentId, text }));
    });
  }

  /** Stops the turn that runs. */
  async stop(): Promise<void> {
    if (!this.live || this.live.stopping) return;
    const { turnId } = this.live;
    this.live = { ...this.live, stopping: true };
    await this.#act(() => this.backend.request('cancelTurn', { turnId }));
  }

  /** Answers a turn's message anew. */
  async retry(turnId: string): Promise<boolean> {
    return this.#act(async () => {
      const turn = await this.backend.request('retryTurn', { turnId });
      this.messages = this.messages.filter((message) => message.turnId !== turnId || message.role === 'User');
      this.begin(turn);
      await this.open();
    });
  }

  /** Allows or denies the call that a turn waits with; the turn goes on. */
  async decide(turnId: string, approve: boolean, reason?: string): Promise<boolean> {
    return this.#act(async () => {
      const params = { turnId, approve, ...(reason === undefined ? {} : { reason }) };
      this.begin(await this.backend.request('decideApproval', params));
    });
  }

  /** Says a message anew; it and what followed go to the bin. */
  async resend(messageId: string, text: string): Promise<boolean> {
    return this.#act(async () => {
      const turn = await this.backend.request('editMessage', { messageId, text });
      const at = this.messages.findIndex((message) => message.id === messageId);
      if (at >= 0) this.messages = this.messages.slice(0, at);
      this.begin(turn);
      await this.open();
    });
  }

  /** Takes a message off the screen and into the bin. */
  async remove(messageId: string): Promise<boolean> {
    return this.#act(async () => {
      await this.backend.request('deleteMessage', { messageId });
      this.messages = this.messages.filter((message) => message.id !== messageId);
    });
  }

  /** Brings a message back. */
  async restore(messageId: string): Promise<boolean> {
    return this.#act(async () => this.#record(await this.backend.request('restoreMessage', { messageId })));
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
