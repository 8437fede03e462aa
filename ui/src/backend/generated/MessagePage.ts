// Generated from crates/app. Do not edit.
import type { MemoryChange } from "./MemoryChange";
import type { MessageView } from "./MessageView";
import type { TurnView } from "./TurnView";

/**
 * A page of messages, oldest first, with what belongs to its turns.
 */
export type MessagePage = {
/**
 * The messages.
 */
messages: Array<MessageView>,
/**
 * The turns they belong to.
 */
turns: Array<TurnView>,
/**
 * What those turns changed in memory.
 */
changes: Array<MemoryChange>,
/**
 * Whether there are older ones.
 */
hasMoreBefore: boolean,
/**
 * Whether there are newer ones.
 */
hasMoreAfter: boolean, };
