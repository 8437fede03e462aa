// Generated from crates/app. Do not edit.

/**
 * Where a model stands.
 */
export type ModelState = { "type": "Downloadable" } | { "type": "Downloading",
/**
 * Bytes so far.
 */
bytes: number,
/**
 * Bytes in all.
 */
of: number, } | { "type": "Available" } | { "type": "Loading" } | { "type": "Loaded" } | { "type": "Failed",
/**
 * Why.
 */
message: string, };
