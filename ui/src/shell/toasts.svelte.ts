/**
 * Short words at the foot of the window: what was done, with Undo for ten seconds, and what went wrong.
 */
import { toApiError } from '../backend/errors';
import type { ApiError } from '../backend/generated';

/** How long Undo is offered. */
export const UNDO_MS = 10_000;
const ERROR_MS = 20_000;

export interface Toast {
  id: number;
  text: string;
  kind: 'done' | 'error';
  hint: string | null;
  action: { label: string; run: () => void | Promise<unknown> } | null;
}

export class Toasts {
  list = $state.raw<readonly Toast[]>([]);
  #next = 1;
  #timers = new Map<number, ReturnType<typeof setTimeout>>();

  #show(toast: Omit<Toast, 'id'>, forMs: number): number {
    const id = this.#next++;
    this.list = [...this.list.slice(-2), { ...toast, id }];
    this.#timers.set(
      id,
      setTimeout(() => this.close(id), forMs),
    );
    return id;
  }

  /** Says what was done. */
  done(text: string): void {
    this.#show({ text, kind: 'done', hint: null, action: null }, 4000);
  }

  /** Says what was done, and offers to take it back. */
  undoable(text: string, undo: () => void | Promise<unknown>): void {
    this.#show({ text, kind: 'done', hint: null, action: { label: 'Undo', run: undo } }, UNDO_MS);
  }

  /** Says what went wrong. */
  failed(error: ApiError): void {
    this.#show({ text: error.message, kind: 'error', hint: error.hint, action: null }, ERROR_MS);
  }

  /** Runs something and says so where it fails; the result, or `undefined` after a failure. */
  async attempt<T>(work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await work();
    } catch (error) {
      this.failed(toApiError(error));
      return undefined;
    }
  }

  /** Takes back what the newest toast that can be undone did. */
  undoNewest(): void {
    const toast = this.list.findLast((candidate) => candidate.action !== null);
    if (toast) void this.run(toast);
  }

  async run(toast: Toast): Promise<void> {
    this.close(toast.id);
    if (toast.action) await this.attempt(async () => toast.action?.run());
  }

  /** Keeps a toast while a pointer or the focus rests on it. */
  hold(id: number): void {
    clearTimeout(this.#timers.get(id));
  }

  release(id: number): void {
    this.hold(id);
    this.#timers.set(
      id,
      setTimeout(() => this.close(id), 3000),
    );
  }

  close(id: number): void {
    this.hold(id);
    this.#timers.delete(id);
    this.list = this.list.filter((toast) => toast.id !== id);
  }
}
