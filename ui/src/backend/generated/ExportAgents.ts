// Generated from crates/app. Do not edit.

/**
 * Agents to be written into a file.
 */
export type ExportAgents = {
/**
 * Their ids; those that are in groups with them go along.
 */
agentIds: Array<string>,
/**
 * Leaves out messages, conversations and summaries.
 */
withoutMessages: boolean, };
