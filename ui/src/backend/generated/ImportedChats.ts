// Generated from crates/app. Do not edit.
import type { FileNotice } from "./FileNotice";

/**
 * Chats that were taken in.
 */
export type ImportedChats = {
/**
 * Conversations.
 */
conversations: number,
/**
 * Messages in them.
 */
messages: number,
/**
 * Passages of archival memory made from them.
 */
passages: number,
/**
 * What was left out and why.
 */
notices: Array<FileNotice>, };
