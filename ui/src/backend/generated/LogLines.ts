// Generated from crates/app. Do not edit.

/**
 * Lines of the log.
 */
export type LogLines = {
/**
 * Newest last.
 */
lines: Array<string>,
/**
 * The log's file.
 */
path: string, };
