// Generated from crates/app. Do not edit.

/**
 * Changes to a passage; what is left out stays.
 */
export type UpdatePassage = {
/**
 * The passage.
 */
passageId: string,
/**
 * New text.
 */
text?: string,
/**
 * New tags.
 */
tags?: Array<string>, };
