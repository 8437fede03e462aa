// Generated from crates/app. Do not edit.

/**
 * How an agent speaks and chains its steps.
 */
export type AgentKind = "MemgptAgent" | "LettaV1Agent";
