// Generated from crates/app. Do not edit.

/**
 * How the agents of a group work together.
 */
export type GroupKind = "RoundRobin" | "Supervisor" | "Dynamic" | "Sleeptime";
