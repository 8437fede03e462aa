// Generated from crates/app. Do not edit.

/**
 * Changes to a block; what is left out stays.
 */
export type UpdateBlock = {
/**
 * The block.
 */
blockId: string,
/**
 * New label.
 */
label?: string,
/**
 * New description.
 */
description?: string,
/**
 * New text.
 */
value?: string,
/**
 * New limit.
 */
limitChars?: number,
/**
 * Whether agents may not write to it.
 */
readOnly?: boolean,
/**
 * The revision that the editor saw; when it is not the newest any more the change is refused with `conflict`.
 */
seenRevision?: number, };
