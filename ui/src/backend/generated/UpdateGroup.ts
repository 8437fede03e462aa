// Generated from crates/app. Do not edit.

/**
 * Changes of a group; what is left out stays.
 */
export type UpdateGroup = {
/**
 * The group.
 */
groupId: string,
/**
 * New description.
 */
description?: string,
/**
 * New agents, in their order.
 */
agentIds?: Array<string>,
/**
 * New manager.
 */
managerId?: string,
/**
 * New blocks that all share; agents keep those that are no longer among them.
 */
sharedBlockIds?: Array<string>,
/**
 * New limit of turns.
 */
maxTurns?: number,
/**
 * New word that ends the talk.
 */
terminationToken?: string,
/**
 * New number of turns after which memory is tidied.
 */
everyTurns?: number, };
