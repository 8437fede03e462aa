// Generated from crates/app. Do not edit.
import type { GroupKind } from "./GroupKind";

/**
 * A new group.
 */
export type CreateGroup = {
/**
 * How it works.
 */
kind: GroupKind,
/**
 * What it is for.
 */
description: string,
/**
 * Its agents in their order, without the manager.
 */
agentIds: Array<string>,
/**
 * The agent that leads it; not for `RoundRobin`.
 */
managerId?: string,
/**
 * Blocks that all of its agents are to share.
 */
sharedBlockIds?: Array<string>,
/**
 * The most times that agents speak for one message; as many as there are when left out.
 */
maxTurns?: number,
/**
 * With this in what an agent says, a dynamic group is done.
 */
terminationToken?: string,
/**
 * After how many turns memory is tidied; 5 when left out.
 */
everyTurns?: number, };
