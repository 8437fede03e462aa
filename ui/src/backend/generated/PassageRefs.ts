// Generated from crates/app. Do not edit.

/**
 * Names passages.
 */
export type PassageRefs = {
/**
 * Their ids.
 */
passageIds: Array<string>, };
