// Generated from crates/app. Do not edit.

/**
 * Undoes what a revision changed, with a new revision. A later change of other lines is kept; where the same
 * lines were changed since, it is refused with `conflict`.
 */
export type UndoRevision = {
/**
 * The block.
 */
blockId: string,
/**
 * The revision.
 */
number: number, };
