// Generated from crates/app. Do not edit.

/**
 * Chats of ChatGPT to be taken in.
 */
export type ImportChats = {
/**
 * The agent that shall know them.
 */
agentId: string,
/**
 * What is in `conversations.json`.
 */
text: string, };
