// Generated from crates/app. Do not edit.

/**
 * Light, dark, or as the system says.
 */
export type Theme = "System" | "Light" | "Dark";
