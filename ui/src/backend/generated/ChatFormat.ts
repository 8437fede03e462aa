// Generated from crates/app. Do not edit.

/**
 * How a chat is written.
 */
export type ChatFormat = "Markdown" | "Json";
