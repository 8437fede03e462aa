/**
 * The last turn's steps, for the Why pane: what each saw and did.
 */
import type { Backend } from '../backend/backend';
import { toApiError } from '../backend/errors';
import type { ApiError, StepView } from '../backend/generated';

const LIMIT = 20;

export class Steps {
  list = $state.raw<readonly StepView[]>([]);
  /** The turn that is asked about; the newest when `null`. */
  turnId = $state<string | null>(null);
  state = $state<'loading' | 'ready' | 'failed'>('loading');
  error = $state.raw<ApiError | null>(null);

  constructor(
    private readonly backend: Backend,
    readonly agentId: string,
  ) {}

  /** The steps of the turn that is asked about, in order. */
  get shown(): readonly StepView[] {
    const turnId = this.turnId ?? this.list[0]?.turnId;
    return this.list.filter((step) => step.turnId === turnId).toSorted((a, b) => a.number - b.number);
  }

  async load(turnId: string | null = null): Promise<void> {
    this.turnId = turnId;
    try {
      this.list = await this.backend.request('listSteps', {
        agentId: this.agentId,
        limit: LIMIT,
        ...(turnId === null ? {} : { turnId }),
      });
      this.state = 'ready';
      this.error = null;
    } catch (error) {
      this.error = toApiError(error);
      this.state = 'failed';
    }
  }

  /** A step that has just ended; the pane turns to its turn. */
  add(step: StepView): void {
    this.list = [step, ...this.list.filter((other) => other.id !== step.id)].slice(0, LIMIT);
    this.turnId = null;
    this.state = 'ready';
  }
}
