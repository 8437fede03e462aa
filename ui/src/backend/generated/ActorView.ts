// Generated from crates/app. Do not edit.

/**
 * Who acted.
 */
export type ActorView = "User" | "Agent" | "System";
