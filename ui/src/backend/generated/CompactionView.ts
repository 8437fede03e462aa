// Generated from crates/app. Do not edit.

/**
 * What a compaction did.
 */
export type CompactionView = {
/**
 * Messages evicted.
 */
evictedMessages: number,
/**
 * Tokens before.
 */
tokensBefore: number,
/**
 * Tokens after.
 */
tokensAfter: number,
/**
 * The new summary.
 */
summary: string,
/**
 * Whether the summary was taken from sentences, since the model's was unusable.
 */
extractive: boolean, };
