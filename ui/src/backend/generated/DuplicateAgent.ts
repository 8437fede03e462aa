// Generated from crates/app. Do not edit.

/**
 * A copy of an agent: blocks, archive and settings, without its conversation.
 */
export type DuplicateAgent = {
/**
 * The agent.
 */
agentId: string,
/**
 * The copy's name.
 */
name: string, };
