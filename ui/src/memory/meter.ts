/**
 * The arithmetic of the meter: the parts of the context window by tier, as shares of the whole window.
 */
import type { ContextPart, ContextPartKind, ContextView } from '../backend/generated';

export type Tier = 'instructions' | 'tools' | 'core' | 'summary' | 'messages' | 'free';

export interface Segment {
  tier: Tier;
  tokens: number;
  /** 0 to 1 of the bar. */
  share: number;
  parts: readonly ContextPart[];
}

export const TIER_WORDS: Record<Tier, { name: string; term: string | null }> = {
  instructions: { name: 'Instructions', term: null },
  tools: { name: 'Tools', term: null },
  core: { name: 'Always in mind', term: 'core memory' },
  summary: { name: 'Summary of what was said before', term: 'recursive summary' },
  messages: { name: 'Messages', term: 'recall memory, the newest part' },
  free: { name: 'Free', term: null },
};

const ORDER: readonly Exclude<Tier, 'free'>[] = ['instructions', 'tools', 'core', 'summary', 'messages'];

function tierOf(kind: ContextPartKind): Exclude<Tier, 'free'> {
  switch (kind) {
    case 'Instructions':
      return 'instructions';
    case 'Tools':
      return 'tools';
    case 'Core':
      return 'core';
    case 'Summary':
      return 'summary';
    case 'Message':
      return 'messages';
  }
}

/** The whole that the bar stands for: the window, or what is used where that is more. */
export function wholeTokens(context: ContextView): number {
  return Math.max(context.windowTokens, context.usedTokens, 1);
}

/** The segments in the order of the bar, free space last; their shares sum to 1. */
export function segments(context: ContextView): Segment[] {
  const whole = wholeTokens(context);
  const found: Segment[] = ORDER.map((tier) => {
    const parts = context.parts.filter((part) => tierOf(part.kind) === tier);
    const tokens = parts.reduce((sum, part) => sum + part.tokens, 0);
    return { tier, tokens, share: tokens / whole, parts };
  }).filter((segment) => segment.tokens > 0);
  const used = found.reduce((sum, segment) => sum + segment.tokens, 0);
  const free = Math.max(0, whole - used);
  return [...found, { tier: 'free', tokens: free, share: free / whole, parts: [] }];
}

/** Where the tick of the pressure line stands, 0 to 1. */
export function pressureAt(context: ContextView): number {
  return Math.min(1, context.pressureTokens / wholeTokens(context));
}

/** Whether the window is past the line. */
export function underPressure(context: ContextView): boolean {
  return context.usedTokens >= context.pressureTokens;
}
