// Generated from crates/app. Do not edit.

/**
 * An OpenAI-compatible endpoint.
 */
export type EndpointView = {
/**
 * Its id: a short name without spaces, used in handles.
 */
id: string,
/**
 * Its base URL, up to and with `/v1`.
 */
baseUrl: string,
/**
 * The host, for the badge.
 */
host: string,
/**
 * The last four characters of its key.
 */
keyHint: string | null,
/**
 * Models to offer.
 */
models: Array<string>,
/**
 * Whether it is on this computer, so that offline does not forbid it.
 */
loopback: boolean, };
