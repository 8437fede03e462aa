// Generated from crates/app. Do not edit.
import type { PassageView } from "./PassageView";

/**
 * A passage that was found.
 */
export type PassageHit = {
/**
 * The passage.
 */
passage: PassageView,
/**
 * Higher is better; 0 without a query.
 */
score: number,
/**
 * Why it was found, in words.
 */
reasons: Array<string>, };
