// Generated from crates/app. Do not edit.

/**
 * Empties the bin for good; `confirm` must be "empty".
 */
export type EmptyBin = {
/**
 * The word typed.
 */
confirm: string, };
