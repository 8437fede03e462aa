// Generated from crates/app. Do not edit.

/**
 * What a notice is about.
 */
export type FileNoticeKind = "NotAdopted" | "Mended" | "Inert" | "Secret" | "HiddenText";
