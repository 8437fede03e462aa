/**
 * An agent on its way in: its file is read, looked at, and taken in when the person says so.
 */
import type { Backend } from '../backend/backend';
import { toApiError } from '../backend/errors';
import type { AgentFilePreview, ApiError, ImportedAgents } from '../backend/generated';
import { readText } from './textFile';

/** As much as Resident takes. */
const LIMITS = {
  most: 64 * 1024 * 1024,
  tooLarge: 'Nothing was changed. Without its messages the agent takes less room.',
  noText: 'Nothing was changed.',
};

export const ACCEPT = '.af,.json,application/json';

export class Arrival {
  preview = $state.raw<AgentFilePreview | null>(null);
  error = $state.raw<ApiError | null>(null);
  /** Whether it is being taken in. */
  entering = $state(false);
  #text = '';

  constructor(
    private readonly backend: Backend,
    readonly file: File,
  ) {}

  /** Looks into the file. Nothing is changed. */
  async look(): Promise<void> {
    this.error = null;
    try {
      this.#text = await readText(this.file, LIMITS);
      this.preview = await this.backend.request('previewAgentFile', { text: this.#text });
    } catch (thrown) {
      const error = toApiError(thrown);
      this.error = { ...error, hint: error.hint ?? 'Nothing was changed.' };
    }
  }

  /** Takes the agents in, all of them or none; `null` where that failed. */
  async enter(name: string, withMessages: boolean): Promise<ImportedAgents | null> {
    this.entering = true;
    this.error = null;
    try {
      const named = name.trim();
      return await this.backend.request('importAgentFile', {
        text: this.#text,
        withoutMessages: !withMessages,
        ...(named === '' || named === this.preview?.agents[0]?.name ? {} : { name: named }),
      });
    } catch (thrown) {
      this.error = toApiError(thrown);
      return null;
    } finally {
      this.entering = false;
    }
  }
}
