// Generated from crates/app. Do not edit.
import type { GroupKind } from "./GroupKind";

/**
 * A group.
 */
export type GroupView = {
/**
 * Its id.
 */
id: string,
/**
 * How it works.
 */
kind: GroupKind,
/**
 * What it is for; its agents are told.
 */
description: string,
/**
 * The agent that leads it, or whose memory is tidied; `RoundRobin` has none.
 */
managerId: string | null,
/**
 * Its agents in their order, without the manager.
 */
agentIds: Array<string>,
/**
 * Blocks that all of its agents share.
 */
sharedBlockIds: Array<string>,
/**
 * The most times that agents speak for one message of the user.
 */
maxTurns: number | null,
/**
 * With this in what an agent says, a dynamic group is done.
 */
terminationToken: string | null,
/**
 * After how many turns memory is tidied; `Sleeptime` alone.
 */
everyTurns: number | null,
/**
 * Turns that were not gone through yet; `Sleeptime` alone.
 */
waitingTurns: number,
/**
 * Whether its agents talk, or tidy, now.
 */
running: boolean,
/**
 * Who of them has the word.
 */
speakingId: string | null,
/**
 * When something was last said in it.
 */
lastMessageAtMs: number | null,
/**
 * When it was created.
 */
createdAtMs: number, };
