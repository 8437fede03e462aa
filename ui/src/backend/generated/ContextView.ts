// Generated from crates/app. Do not edit.
import type { ContextPart } from "./ContextPart";

/**
 * What the next prompt would be.
 */
export type ContextView = {
/**
 * The handle of the model whose tokens these are.
 */
model: string,
/**
 * Tokens in all.
 */
usedTokens: number,
/**
 * The size of the window.
 */
windowTokens: number,
/**
 * Where the agent is warned.
 */
pressureTokens: number,
/**
 * Where the oldest part is evicted.
 */
compactionTokens: number,
/**
 * The parts, in the order of the prompt.
 */
parts: Array<ContextPart>,
/**
 * Messages in recall memory.
 */
recallMessages: number,
/**
 * Passages in archival memory.
 */
archivalPassages: number, };
