/**
 * The scripted event stream: numbered, kept, and replayed from any sequence number.
 */
import type { Event, EventKind } from '../generated';

export class EventLog {
  #events: Event[] = [];
  #readers = new Set<(events: Event[]) => void>();

  constructor(private readonly nowMs: () => number) {}

  get lastSeq(): number {
    return this.#events.length;
  }

  emit(what: EventKind, agentId: string | null = null, turnId: string | null = null): void {
    const event: Event = { seq: this.#events.length + 1, atMs: this.nowMs(), agentId, turnId, what };
    this.#events.push(event);
    for (const reader of this.#readers) reader([event]);
  }

  subscribe(afterSeq: number, reader: (events: Event[]) => void): () => void {
    const missed = this.#events.slice(afterSeq);
    if (missed.length > 0) reader(missed);
    this.#readers.add(reader);
    return () => this.#readers.delete(reader);
  }
}
