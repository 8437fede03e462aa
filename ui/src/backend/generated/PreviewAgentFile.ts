// Generated from crates/app. Do not edit.

/**
 * An agent file to be looked at.
 */
export type PreviewAgentFile = {
/**
 * What is in the file.
 */
text: string, };
