// Generated from crates/app. Do not edit.

/**
 * Who speaks.
 */
export type RoleView = "System" | "User" | "Assistant" | "Tool";
