/**
 * Core memory of one agent: its blocks in the order of the prompt, their revisions, and what a person does to them.
 */
import type { Backend, Params } from '../backend/backend';
import { toApiError } from '../backend/errors';
import type { ApiError, BlockView, RevisionView } from '../backend/generated';
import { characters } from '../format/numbers';

/** Refuses a text that is over a block's limit, in the words that the store would use. */
export function overLimit(text: string, limitChars: number): number {
  return Math.max(0, characters(text) - limitChars);
}

export class Blocks {
  list = $state.raw<readonly BlockView[]>([]);
  state = $state<'loading' | 'ready' | 'failed'>('loading');
  error = $state.raw<ApiError | null>(null);

  constructor(
    private readonly backend: Backend,
    readonly agentId: string,
  ) {}

  async load(): Promise<void> {
    try {
      this.list = await this.backend.request('listBlocks', { agentId: this.agentId, deleted: false });
      this.state = 'ready';
      this.error = null;
    } catch (error) {
      this.error = toApiError(error);
      this.state = 'failed';
    }
  }

  #put(block: BlockView): BlockView {
    this.list = this.list.map((other) => (other.id === block.id ? block : other));
    return block;
  }

  async create(params: Omit<Params<'createBlock'>, 'agentId'>): Promise<BlockView> {
    const block = await this.backend.request('createBlock', { ...params, agentId: this.agentId });
    await this.load();
    return block;
  }

  async update(params: Params<'updateBlock'>): Promise<BlockView> {
    return this.#put(await this.backend.request('updateBlock', params));
  }

  async remove(blockId: string): Promise<void> {
    await this.backend.request('deleteBlock', { blockId });
    this.list = this.list.filter((block) => block.id !== blockId);
  }

  async restore(blockId: string): Promise<void> {
    await this.backend.request('restoreBlock', { blockId });
    await this.load();
  }

  async share(blockId: string, agentId: string, shared: boolean): Promise<void> {
    this.#put(await this.backend.request(shared ? 'attachBlock' : 'detachBlock', { agentId, blockId }));
  }

  /** Blocks of other agents that this one could share. */
  async shareable(): Promise<BlockView[]> {
    const all = await this.backend.request('listBlocks', { deleted: false });
    return all.filter((block) => !block.agentIds.includes(this.agentId));
  }

  async attach(blockId: string): Promise<void> {
    await this.backend.request('attachBlock', { agentId: this.agentId, blockId });
    await this.load();
  }

  revisions(blockId: string): Promise<RevisionView[]> {
    return this.backend.request('listRevisions', { blockId });
  }

  async undo(blockId: string, number: number): Promise<BlockView> {
    return this.#put(await this.backend.request('undoRevision', { blockId, number }));
  }
}
