// Generated from crates/app. Do not edit.

/**
 * Names one group.
 */
export type GroupRef = {
/**
 * Its id.
 */
groupId: string, };
