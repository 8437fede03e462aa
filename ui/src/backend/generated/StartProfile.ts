// Generated from crates/app. Do not edit.

/**
 * The first start.
 */
export type StartProfile = {
/**
 * What the user is called.
 */
userName: string, };
