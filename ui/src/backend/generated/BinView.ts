// Generated from crates/app. Do not edit.
import type { AgentView } from "./AgentView";
import type { BlockView } from "./BlockView";
import type { PassageView } from "./PassageView";

/**
 * Everything in the bin.
 */
export type BinView = {
/**
 * Agents.
 */
agents: Array<AgentView>,
/**
 * Blocks.
 */
blocks: Array<BlockView>,
/**
 * Passages, newest 500.
 */
passages: Array<PassageView>, };
