// Generated from crates/app. Do not edit.

/**
 * How a model that is on this computer came here.
 */
export type ModelOrigin = "Bundled" | "Downloaded" | "Shared" | "Added";
