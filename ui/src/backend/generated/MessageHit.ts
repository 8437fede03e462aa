// Generated from crates/app. Do not edit.
import type { MessageView } from "./MessageView";

/**
 * A message that was found.
 */
export type MessageHit = {
/**
 * The message.
 */
message: MessageView,
/**
 * Higher is better; only the order within one search means something.
 */
score: number,
/**
 * Why it was found, in words.
 */
reasons: Array<string>,
/**
 * The messages just before and after it.
 */
neighbours: Array<MessageView>, };
