// Generated from crates/app. Do not edit.

/**
 * A kind of part; each has its colour in the meter.
 */
export type ContextPartKind = "Instructions" | "Tools" | "Core" | "Summary" | "Message";
