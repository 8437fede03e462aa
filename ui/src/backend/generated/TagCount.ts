// Generated from crates/app. Do not edit.

/**
 * A tag and how many passages have it.
 */
export type TagCount = {
/**
 * The tag.
 */
tag: string,
/**
 * How many.
 */
passages: number, };
