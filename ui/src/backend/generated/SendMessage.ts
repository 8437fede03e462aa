// Generated from crates/app. Do not edit.

/**
 * A message to an agent.
 */
export type SendMessage = {
/**
 * The agent.
 */
agentId: string,
/**
 * What is said.
 */
text: string, };
