// Generated from crates/app. Do not edit.
import type { JsonValue } from "./serde_json/JsonValue";

/**
 * A call of a tool.
 */
export type ToolCallView = {
/**
 * Its id.
 */
id: string,
/**
 * The tool's name.
 */
name: string,
/**
 * A JSON object.
 */
arguments: JsonValue, };
