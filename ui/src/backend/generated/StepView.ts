// Generated from crates/app. Do not edit.
import type { JsonValue } from "./serde_json/JsonValue";

/**
 * One step, for the Why pane.
 */
export type StepView = {
/**
 * Its id.
 */
id: string,
/**
 * Its turn.
 */
turnId: string,
/**
 * Counts from 0 within the turn.
 */
number: number,
/**
 * The handle of the model.
 */
model: string,
/**
 * Tokens of the prompt.
 */
promptTokens: number,
/**
 * Of these, taken from the cache.
 */
cachedTokens: number,
/**
 * Tokens written.
 */
completionTokens: number,
/**
 * How long it took.
 */
durationMs: number,
/**
 * What it saw and did.
 */
trace: JsonValue,
/**
 * When it began.
 */
startedAtMs: number, };
