// Generated from crates/app. Do not edit.

/**
 * What a model is for.
 */
export type ModelPurpose = "Language" | "Embedding";
