// Generated from crates/app. Do not edit.

/**
 * A message to a group.
 */
export type SendToGroup = {
/**
 * The group.
 */
groupId: string,
/**
 * What is said.
 */
text: string, };
