import { describe, expect, it } from 'vitest';

import { changedRows, diffLines, diffWords, type DiffRow } from './diff';

/** The text on one side of the rows. */
function side(rows: readonly DiffRow[], gone: 'added' | 'removed'): string[] {
  return rows
    .filter((row) => row.kind !== gone)
    .map((row) =>
      row.kind === 'changed'
        ? row.spans.filter((span) => span.kind !== gone).map((span) => span.text).join('')
        : row.text,
    );
}

/** A small generator with a seed, so that a failure can be seen again. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return state / 2_147_483_648;
  };
}

describe('a diff', () => {
  it('shows only the line that was added', () => {
    expect(changedRows('Name: Nick', 'Name: Nick\nPrefers dark mode.')).toEqual([
      { kind: 'added', text: 'Prefers dark mode.' },
    ]);
  });

  it('shows only the line that was removed', () => {
    expect(changedRows('a\nb\nc', 'a\nc')).toEqual([{ kind: 'removed', text: 'b' }]);
  });

  it('marks the words of a line that was rewritten', () => {
    expect(changedRows('Lives in Oslo since May.', 'Lives in Bergen since May.')).toEqual([
      {
        kind: 'changed',
        spans: [
          { kind: 'same', text: 'Lives in ' },
          { kind: 'removed', text: 'Oslo' },
          { kind: 'added', text: 'Bergen' },
          { kind: 'same', text: ' since May.' },
        ],
      },
    ]);
  });

  it('keeps lines apart that have nothing in common', () => {
    expect(changedRows('Drinks tea.', 'Owns a bicycle from 1974')).toEqual([
      { kind: 'removed', text: 'Drinks tea.' },
      { kind: 'added', text: 'Owns a bicycle from 1974' },
    ]);
  });

  it('says nothing of texts that are the same, and copes with empty ones', () => {
    expect(changedRows('a\nb', 'a\nb')).toEqual([]);
    expect(changedRows('', '')).toEqual([]);
    expect(changedRows('', 'a')).toEqual([{ kind: 'added', text: 'a' }]);
    expect(changedRows('a', '')).toEqual([{ kind: 'removed', text: 'a' }]);
  });

  it('joins words to the text they were cut from', () => {
    const spans = diffWords('été — 🦊, naïve', 'été — 🐺, naive');
    expect(spans.filter((span) => span.kind !== 'added').map((span) => span.text).join('')).toBe('été — 🦊, naïve');
    expect(spans.filter((span) => span.kind !== 'removed').map((span) => span.text).join('')).toBe('été — 🐺, naive');
  });

  it('holds both texts whole, whatever they are', () => {
    const next = random(7);
    const words = ['tea', 'dark mode', 'Oslo', 'é', '🦊', '', 'the', 'a b c'];
    const text = (): string =>
      Array.from({ length: Math.floor(next() * 9) }, () => words[Math.floor(next() * words.length)] ?? '').join(
        next() < 0.5 ? '\n' : ' ',
      );
    for (let round = 0; round < 500; round += 1) {
      const before = text();
      const after = text();
      const rows = diffLines(before, after);
      const lines = (of: string): string[] => (of === '' ? [] : of.split('\n'));
      expect(side(rows, 'added').toSorted()).toEqual(lines(before).toSorted());
      expect(side(rows, 'removed').toSorted()).toEqual(lines(after).toSorted());
    }
  });

  it('takes a block of twenty thousand characters on each side at once', { retry: 2 }, () => {
    const before = Array.from({ length: 400 }, (_, at) => `Line ${at} says something of fifty characters or so.`).join('\n');
    const after = before.replaceAll('something', 'nothing');
    const started = performance.now();
    const rows = changedRows(before, after);
    expect(rows).toHaveLength(400);
    expect(performance.now() - started).toBeLessThan(1500);
  });
});
