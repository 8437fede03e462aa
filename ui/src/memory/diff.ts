/**
 * What changed between two versions of a text: lines that are the same, added or removed, and within a line that was
 * rewritten, the words.
 *
 * A longest common subsequence over lines, then over words. Texts are block-sized; where the table would grow beyond
 * `CELLS`, the middle is shown as replaced as a whole, which is right, only less fine.
 */
export interface Span {
  text: string;
  kind: 'same' | 'added' | 'removed';
}

export type DiffRow =
  | { kind: 'same' | 'added' | 'removed'; text: string }
  | { kind: 'changed'; spans: Span[] };

const CELLS = 4_000_000;
/** Lines that share less than this part of the shorter are shown as one removed and one added. */
const ALIKE = 0.5;

interface Edit {
  kind: 'same' | 'added' | 'removed';
  text: string;
}

/** The edits that lead from `a` to `b`, element by element. */
function edits(a: readonly string[], b: readonly string[]): Edit[] {
  let head = 0;
  while (head < a.length && head < b.length && a[head] === b[head]) head += 1;
  let tail = 0;
  while (tail < a.length - head && tail < b.length - head && a[a.length - 1 - tail] === b[b.length - 1 - tail]) tail += 1;
  const same = (text: string): Edit => ({ kind: 'same', text });
  return [
    ...a.slice(0, head).map(same),
    ...middle(a.slice(head, a.length - tail), b.slice(head, b.length - tail)),
    ...a.slice(a.length - tail).map(same),
  ];
}

function middle(a: readonly string[], b: readonly string[]): Edit[] {
  const removed = (text: string): Edit => ({ kind: 'removed', text });
  const added = (text: string): Edit => ({ kind: 'added', text });
  if (a.length === 0 || b.length === 0 || a.length * b.length > CELLS) return [...a.map(removed), ...b.map(added)];

  const width = b.length + 1;
  const lengths = new Uint32Array((a.length + 1) * width);
  const at = (i: number, j: number): number => lengths[i * width + j] ?? 0;
  for (let i = a.length - 1; i >= 0; i -= 1) {
    for (let j = b.length - 1; j >= 0; j -= 1) {
      lengths[i * width + j] = a[i] === b[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
    }
  }
  const found: Edit[] = [];
  let i = 0;
  let j = 0;
  while (i < a.length || j < b.length) {
    const left = a[i];
    const right = b[j];
    if (left !== undefined && left === right) {
      found.push({ kind: 'same', text: left });
      i += 1;
      j += 1;
    } else if (left !== undefined && (right === undefined || at(i + 1, j) >= at(i, j + 1))) {
      found.push(removed(left));
      i += 1;
    } else if (right !== undefined) {
      found.push(added(right));
      j += 1;
    }
  }
  return found;
}

/** Words with the space or punctuation around them as elements of their own; the pieces join to the text. */
function words(text: string): string[] {
  return text.match(/[\p{L}\p{N}_]+|\s+|[^\p{L}\p{N}_\s]/gu) ?? [];
}

/** The words that changed within one line. */
export function diffWords(before: string, after: string): Span[] {
  const spans: Span[] = [];
  for (const edit of edits(words(before), words(after))) {
    const last = spans.at(-1);
    if (last?.kind === edit.kind) last.text += edit.text;
    else spans.push({ ...edit });
  }
  return spans;
}

function alike(spans: readonly Span[], before: string, after: string): boolean {
  const shared = spans.reduce((sum, span) => sum + (span.kind === 'same' ? span.text.trim().length : 0), 0);
  return shared >= ALIKE * Math.min(before.trim().length, after.trim().length);
}

/** Pairs the lines removed and added at one place, so that a rewritten line is one row. */
function pair(removed: string[], added: string[]): DiffRow[] {
  const rows: DiffRow[] = [];
  while (removed.length > 0 && added.length > 0) {
    const before = removed[0] ?? '';
    const after = added[0] ?? '';
    const spans = diffWords(before, after);
    if (!alike(spans, before, after)) break;
    rows.push({ kind: 'changed', spans });
    removed.shift();
    added.shift();
  }
  for (const text of removed) rows.push({ kind: 'removed', text });
  for (const text of added) rows.push({ kind: 'added', text });
  return rows;
}

/** All rows, in order. */
export function diffLines(before: string, after: string): DiffRow[] {
  const split = (text: string): string[] => (text === '' ? [] : text.split('\n'));
  const rows: DiffRow[] = [];
  let removed: string[] = [];
  let added: string[] = [];
  const close = (): void => {
    rows.push(...pair(removed, added));
    removed = [];
    added = [];
  };
  for (const edit of edits(split(before), split(after))) {
    if (edit.kind === 'removed') removed.push(edit.text);
    else if (edit.kind === 'added') added.push(edit.text);
    else {
      close();
      rows.push({ kind: 'same', text: edit.text });
    }
  }
  close();
  return rows;
}

/** Only the rows that changed. */
export function changedRows(before: string, after: string): DiffRow[] {
  return diffLines(before, after).filter((row) => row.kind !== 'same' && !(row.kind !== 'changed' && row.text === ''));
}
