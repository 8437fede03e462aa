// Generated from crates/app. Do not edit.

/**
 * Names a model.
 */
export type ModelRef = {
/**
 * Its handle.
 */
handle: string, };
