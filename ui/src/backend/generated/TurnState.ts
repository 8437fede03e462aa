// Generated from crates/app. Do not edit.

/**
 * Where a turn stands.
 */
export type TurnState = "Running" | "Completed" | "Interrupted" | "Cancelled" | "Failed";
