import { describe, expect, it } from 'vitest';

import type { ContextView } from '../backend/generated';
import { pressureAt, segments, underPressure, wholeTokens } from './meter';

function context(changes: Partial<ContextView> = {}): ContextView {
  return {
    model: 'm',
    usedTokens: 400,
    windowTokens: 1000,
    pressureTokens: 700,
    compactionTokens: 1000,
    parts: [
      { kind: 'Instructions', label: 'instructions', text: '', tokens: 100 },
      { kind: 'Message', label: 'user', text: '', tokens: 50 },
      { kind: 'Core', label: 'human', text: '', tokens: 150 },
      { kind: 'Message', label: 'assistant', text: '', tokens: 100 },
    ],
    recallMessages: 2,
    archivalPassages: 0,
    ...changes,
  };
}

describe('the meter', () => {
  it('adds parts up by tier, in one order, with what is free at the end', () => {
    expect(segments(context()).map(({ tier, tokens, share }) => [tier, tokens, share])).toEqual([
      ['instructions', 100, 0.1],
      ['core', 150, 0.15],
      ['messages', 150, 0.15],
      ['free', 600, 0.6],
    ]);
  });

  it('fills the bar exactly, also when more is used than fits', () => {
    const over = context({ windowTokens: 300 });
    expect(wholeTokens(over)).toBe(400);
    const sum = segments(over).reduce((total, segment) => total + segment.share, 0);
    expect(sum).toBeCloseTo(1);
    expect(pressureAt(over)).toBe(1);
  });

  it('puts the tick where the pressure line is', () => {
    expect(pressureAt(context())).toBe(0.7);
    expect(underPressure(context())).toBe(false);
    expect(underPressure(context({ usedTokens: 700 }))).toBe(true);
  });

  it('is all free in an empty window, and never divides by nothing', () => {
    expect(segments(context({ parts: [], usedTokens: 0, windowTokens: 0 }))).toEqual([
      { tier: 'free', tokens: 1, share: 1, parts: [] },
    ]);
  });
});
