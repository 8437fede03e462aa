// Generated from crates/app. Do not edit.

/**
 * A new passage. Long text is cut into several.
 */
export type CreatePassage = {
/**
 * The agent.
 */
agentId: string,
/**
 * Its text.
 */
text: string,
/**
 * Its tags.
 */
tags: Array<string>,
/**
 * The name of the document that the text is.
 */
document?: string, };
