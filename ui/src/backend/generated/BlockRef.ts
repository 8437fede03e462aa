// Generated from crates/app. Do not edit.

/**
 * Names one block.
 */
export type BlockRef = {
/**
 * Its id.
 */
blockId: string, };
