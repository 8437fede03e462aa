// Generated from crates/app. Do not edit.
import type { ChatFormat } from "./ChatFormat";

/**
 * A chat to be written into a file.
 */
export type ExportChat = {
/**
 * The agent whose own thread it is.
 */
agentId: string,
/**
 * How.
 */
format: ChatFormat, };
