// Generated from crates/app. Do not edit.

/**
 * How to order passages.
 */
export type PassageSort = "Relevance" | "Newest" | "Oldest";
