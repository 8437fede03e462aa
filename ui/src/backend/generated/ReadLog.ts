// Generated from crates/app. Do not edit.

/**
 * The end of the log.
 */
export type ReadLog = {
/**
 * At most so many lines.
 */
lines: number, };
