// Generated from crates/app. Do not edit.

/**
 * A new or changed endpoint.
 */
export type SaveEndpoint = {
/**
 * Its id.
 */
id: string,
/**
 * Its base URL.
 */
baseUrl: string,
/**
 * Its key, kept in the keyring; left out to keep what is there, empty to remove it.
 */
apiKey?: string,
/**
 * Models to offer; asked from the endpoint when left out.
 */
models?: Array<string>, };
