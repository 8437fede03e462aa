// Generated from crates/app. Do not edit.

/**
 * Which of what was said in a group.
 */
export type ListGroupMessages = {
/**
 * The group.
 */
groupId: string,
/**
 * Only before this place; the newest when left out.
 */
beforeSeq?: number,
/**
 * At most so many.
 */
limit: number, };
