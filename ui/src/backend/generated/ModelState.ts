// Generated from crates/app. Do not edit.

/**
 * Where a model stands.
 */
export type ModelState = { "type": "Downloadable" } | { "type": "Downloading", bytes: number, of: number } | { "type": "Available" } | { "type": "Loading" } | { "type": "Loaded" } | { "type": "Failed", message: string };
