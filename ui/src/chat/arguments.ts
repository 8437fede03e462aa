/**
 * A tool call's arguments as names and texts. What only steers the loop is left out.
 */
import type { JsonValue } from '../backend/generated/serde_json/JsonValue';

const STEERING = new Set(['request_heartbeat', 'inner_thoughts', 'thinking']);

export function argumentLines(value: JsonValue): [string, string][] {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return [['', JSON.stringify(value)]];
  return Object.entries(value)
    .filter(([name]) => !STEERING.has(name))
    .map(([name, argument]) => [name, typeof argument === 'string' ? argument : JSON.stringify(argument)]);
}
