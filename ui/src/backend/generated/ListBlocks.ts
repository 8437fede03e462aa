// Generated from crates/app. Do not edit.

/**
 * Which blocks to list.
 */
export type ListBlocks = {
/**
 * Those of one agent, in the order of its prompt; all when left out.
 */
agentId?: string,
/**
 * Those in the bin instead.
 */
deleted: boolean, };
