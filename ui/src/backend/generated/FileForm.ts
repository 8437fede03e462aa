// Generated from crates/app. Do not edit.

/**
 * The form in which a file was written.
 */
export type FileForm = "Current" | "DoubleEncoded" | "Legacy";
