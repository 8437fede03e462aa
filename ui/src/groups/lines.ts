/**
 * The talk of a group as it is shown: days, and what was said, with the name of whoever says it where another said the
 * thing before.
 */
import type { MessageView } from '../backend/generated';
import { sameDay } from '../format/times';
import { speakerOf } from './people';

export type Line =
  | { kind: 'day'; key: string; atMs: number }
  | { kind: 'said'; key: string; message: MessageView; agentId: string | null; named: boolean };

/** What is said after so long is said anew, so that it has a name and a time again. */
const PAUSE_MS = 30 * 60_000;

export function lineOf(messages: readonly MessageView[]): Line[] {
  const lines: Line[] = [];
  let before: MessageView | undefined;
  for (const message of messages) {
    const sameDayAsBefore = before !== undefined && sameDay(before.createdAtMs, message.createdAtMs);
    if (!sameDayAsBefore) lines.push({ kind: 'day', key: `day:${message.id}`, atMs: message.createdAtMs });
    const goesOn =
      sameDayAsBefore &&
      before !== undefined &&
      speakerOf(before) === speakerOf(message) &&
      message.createdAtMs - before.createdAtMs < PAUSE_MS;
    lines.push({ kind: 'said', key: message.id, message, agentId: speakerOf(message), named: !goesOn });
    before = message;
  }
  return lines;
}
