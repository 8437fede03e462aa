// Generated from crates/app. Do not edit.

/**
 * An agent file to be taken in.
 */
export type ImportAgentFile = {
/**
 * What is in the file.
 */
text: string,
/**
 * Another name for its agents.
 */
name?: string,
/**
 * Leaves out messages, conversations and summaries.
 */
withoutMessages: boolean, };
