// Generated from crates/app. Do not edit.

/**
 * What an endpoint answered to a look.
 */
export type EndpointCheck = {
/**
 * Models it has.
 */
models: Array<string>,
/**
 * How long it took.
 */
latencyMs: number, };
