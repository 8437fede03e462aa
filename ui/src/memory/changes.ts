/**
 * A memory change in words, as rows of a diff, and how it is undone.
 */
import type { Backend } from '../backend/backend';
import type { MemoryChange } from '../backend/generated';
import { changedRows, type DiffRow } from './diff';

export interface ChangeWords {
  verb: string;
  /** The block's label; `null` where the verb says it all. */
  label: string | null;
  /** What a block is called now, where it was renamed. */
  to?: string;
  tier: 'core' | 'archival';
  rows: DiffRow[];
}

/** What a change says about itself. */
export function describe(change: MemoryChange): ChangeWords {
  const { what } = change;
  switch (what.type) {
    case 'Block': {
      const rows = changedRows(what.before ?? '', what.after);
      return { verb: what.before === null ? 'Made the block' : verbOf(rows), label: what.label, tier: 'core', rows };
    }
    case 'BlockRenamed':
      return { verb: 'Renamed', label: what.before, to: what.after, tier: 'core', rows: [] };
    case 'BlockDescribed':
      return { verb: 'Described anew', label: what.label, tier: 'core', rows: changedRows(what.before, what.after) };
    case 'BlockRemoved':
      return { verb: 'Removed the block', label: what.label, tier: 'core', rows: changedRows(what.text, '') };
    case 'PassageSaved':
      return {
        verb: 'Saved for later',
        label: null,
        tier: 'archival',
        rows: [{ kind: 'added', text: what.passage.text }],
      };
    case 'PassageDeleted':
      return {
        verb: 'Took out of what was saved for later',
        label: null,
        tier: 'archival',
        rows: [{ kind: 'removed', text: what.passage.text }],
      };
  }
}

function verbOf(rows: readonly DiffRow[]): string {
  const grows = rows.every((row) => row.kind === 'added');
  const shrinks = rows.every((row) => row.kind === 'removed');
  if (rows.length === 0) return 'Tidied';
  if (grows) return 'Remembered in';
  return shrinks ? 'Forgot in' : 'Corrected in';
}

/** Takes a change back: a new revision, the old name, or a block or passage into or out of the bin. */
export async function undo(backend: Backend, change: MemoryChange): Promise<void> {
  const { what } = change;
  switch (what.type) {
    case 'Block':
      if (what.before === null) await backend.request('deleteBlock', { blockId: what.blockId });
      else await backend.request('undoRevision', { blockId: what.blockId, number: what.revision });
      return;
    case 'BlockRenamed':
      await backend.request('updateBlock', { blockId: what.blockId, label: what.before });
      return;
    case 'BlockDescribed':
      await backend.request('updateBlock', { blockId: what.blockId, description: what.before });
      return;
    case 'BlockRemoved':
      await backend.request('restoreBlock', { blockId: what.blockId });
      // A block that others share was only detached.
      await backend.request('attachBlock', { blockId: what.blockId, agentId: what.agentId });
      return;
    case 'PassageSaved':
      await backend.request('deletePassages', { passageIds: [what.passage.id] });
      return;
    case 'PassageDeleted':
      await backend.request('restorePassages', { passageIds: [what.passage.id] });
      return;
  }
}
