/**
 * Gathers events until the next frame, so that a fast model costs one update a frame and not one a token.
 *
 * Pieces of the same text that follow each other are joined. A hidden window draws no frames, so a timer stands in.
 */
import type { Event } from './generated';

/** Longest wait where no frame is drawn. */
const HIDDEN_WAIT_MS = 250;

/** `a` and `b` as one event where both are pieces of one text, else `null`. */
export function join(a: Event, b: Event): Event | null {
  const first = a.what;
  const second = b.what;
  if (first.type === 'TextDelta' && second.type === 'TextDelta' && first.stepId === second.stepId) {
    return { ...b, what: { ...second, text: first.text + second.text } };
  }
  if (first.type === 'ThoughtsDelta' && second.type === 'ThoughtsDelta' && first.stepId === second.stepId) {
    return { ...b, what: { ...second, text: first.text + second.text } };
  }
  if (
    first.type === 'ToolCallDelta' &&
    second.type === 'ToolCallDelta' &&
    first.stepId === second.stepId &&
    first.index === second.index
  ) {
    return { ...b, what: { ...second, argumentsDelta: first.argumentsDelta + second.argumentsDelta } };
  }
  return null;
}

/** The same events in the same order, with pieces of one text joined. */
export function coalesce(events: readonly Event[]): Event[] {
  const joined: Event[] = [];
  for (const event of events) {
    const last = joined.at(-1);
    const both = last ? join(last, event) : null;
    if (both) joined[joined.length - 1] = both;
    else joined.push(event);
  }
  return joined;
}

/** A sink for events that hands them on once a frame. */
export function perFrame(onEvents: (events: Event[]) => void): (events: Event[]) => void {
  let waiting: Event[] = [];
  let frame = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;

  const flush = (): void => {
    cancelAnimationFrame(frame);
    clearTimeout(timer);
    timer = undefined;
    const batch = coalesce(waiting);
    waiting = [];
    onEvents(batch);
  };

  return (events) => {
    waiting.push(...events);
    if (timer !== undefined || waiting.length === 0) return;
    frame = requestAnimationFrame(flush);
    timer = setTimeout(flush, HIDDEN_WAIT_MS);
  };
}
