// Generated from crates/app. Do not edit.

/**
 * What the user says of a tool call that waits for it (a turn whose stop reason is `requires_approval`).
 */
export type DecideApproval = {
/**
 * The turn that waits.
 */
turnId: string,
/**
 * Whether the call may run.
 */
approve: boolean,
/**
 * Why it may not; told to the agent.
 */
reason?: string, };
