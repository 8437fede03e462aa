/**
 * How it stands with memory that is tidied in the background, in words.
 */
import type { GroupView } from '../backend/generated';
import { counted } from '../format/numbers';
import { ago } from '../format/times';

/** What is being done, what waits, and when it was last done, where it was. */
export function tidyingWords(group: GroupView, lastMs: number | null, nowMs: number): string {
  if (group.running) return 'Tidying now.';
  const waits = group.waitingTurns === 0 ? null : `${counted(group.waitingTurns, 'turn')} not looked at yet.`;
  if (lastMs === null) return waits ?? 'Not tidied yet.';
  const last = `Last tidied ${ago(lastMs, nowMs)}.`;
  return waits === null ? last : `${waits} ${last}`;
}
