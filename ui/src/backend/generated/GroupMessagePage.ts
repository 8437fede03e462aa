// Generated from crates/app. Do not edit.
import type { MessageView } from "./MessageView";

/**
 * A page of what was said in a group, each thing once, oldest first. A message of the role `User` is the person's
 * unless it has a sender, which is an agent.
 */
export type GroupMessagePage = {
/**
 * The messages.
 */
messages: Array<MessageView>,
/**
 * Whether there are older ones.
 */
hasMoreBefore: boolean, };
