// Generated from crates/app. Do not edit.

/**
 * A user message said anew: it and all that followed go to the bin, and a new turn begins.
 */
export type EditMessage = {
/**
 * The message.
 */
messageId: string,
/**
 * What is said instead.
 */
text: string, };
