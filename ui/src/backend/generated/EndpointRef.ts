// Generated from crates/app. Do not edit.

/**
 * Names an endpoint.
 */
export type EndpointRef = {
/**
 * Its id.
 */
endpointId: string, };
