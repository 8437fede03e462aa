// Generated from crates/app. Do not edit.

/**
 * Which agents to list.
 */
export type ListAgents = {
/**
 * Those in the bin instead of those in use.
 */
deleted: boolean, };
