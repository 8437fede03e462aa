// Generated from crates/app. Do not edit.
import type { JsonValue } from "./serde_json/JsonValue";

/**
 * Changes to an agent; what is left out stays.
 */
export type UpdateAgent = {
/**
 * The agent.
 */
agentId: string,
/**
 * New name.
 */
name?: string,
/**
 * New description.
 */
description?: string,
/**
 * New instructions.
 */
system?: string,
/**
 * New model; the empty text stands for the profile's default.
 */
model?: string,
/**
 * New list of tools.
 */
tools?: Array<string>,
/**
 * New tool rules.
 */
toolRules?: JsonValue, };
