// Generated from crates/app. Do not edit.

/**
 * Names one message.
 */
export type MessageRef = {
/**
 * Its id.
 */
messageId: string, };
