/**
 * What the model of one agent sees now. Read again after what changes it, at most once at a time.
 */
import type { Backend } from '../backend/backend';
import { toApiError } from '../backend/errors';
import type { ApiError, CompactionView, ContextView } from '../backend/generated';

export class ContextWindow {
  view = $state.raw<ContextView | null>(null);
  error = $state.raw<ApiError | null>(null);
  compacting = $state(false);
  lastCompaction = $state.raw<CompactionView | null>(null);
  #reading = false;
  #again = false;

  constructor(
    private readonly backend: Backend,
    readonly agentId: string,
  ) {}

  async refresh(): Promise<void> {
    if (this.#reading) {
      this.#again = true;
      return;
    }
    this.#reading = true;
    try {
      this.view = await this.backend.request('getContext', { agentId: this.agentId });
      this.error = null;
    } catch (error) {
      this.error = toApiError(error);
    } finally {
      this.#reading = false;
    }
    if (this.#again) {
      this.#again = false;
      await this.refresh();
    }
  }

  async compact(): Promise<void> {
    this.compacting = true;
    try {
      this.lastCompaction = await this.backend.request('compactNow', { agentId: this.agentId });
      this.error = null;
    } catch (error) {
      this.error = toApiError(error);
    } finally {
      this.compacting = false;
    }
    await this.refresh();
  }
}
