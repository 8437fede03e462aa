// Generated from crates/app. Do not edit.
import type { AgentKind } from "./AgentKind";
import type { JsonValue } from "./serde_json/JsonValue";

/**
 * One agent, as a list shows it.
 */
export type AgentView = {
/**
 * Its id.
 */
id: string,
/**
 * Its name.
 */
name: string,
/**
 * What it is for.
 */
description: string,
/**
 * How it speaks and chains.
 */
kind: AgentKind,
/**
 * Its instructions.
 */
system: string,
/**
 * The handle of its model; `None` is the profile's default.
 */
model: string | null,
/**
 * Tools attached to it.
 */
tools: Array<string>,
/**
 * Tool rules, in V1's form.
 */
toolRules: JsonValue,
/**
 * When it was created.
 */
createdAtMs: number,
/**
 * When something was last said in its conversation.
 */
lastMessageAtMs: number | null,
/**
 * When it was moved to the bin.
 */
deletedAtMs: number | null,
/**
 * The turn that runs now.
 */
runningTurnId: string | null,
/**
 * The last turn, where the program ended before it did.
 */
interruptedTurnId: string | null, };
