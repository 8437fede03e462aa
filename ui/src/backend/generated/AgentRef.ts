// Generated from crates/app. Do not edit.

/**
 * Names one agent.
 */
export type AgentRef = {
/**
 * Its id.
 */
agentId: string, };
