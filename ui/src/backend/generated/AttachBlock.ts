// Generated from crates/app. Do not edit.

/**
 * Attaches a block to an agent or detaches it.
 */
export type AttachBlock = {
/**
 * The agent.
 */
agentId: string,
/**
 * The block.
 */
blockId: string, };
