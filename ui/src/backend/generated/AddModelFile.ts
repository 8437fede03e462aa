// Generated from crates/app. Do not edit.

/**
 * A GGUF file to be added to the library where it lies.
 */
export type AddModelFile = {
/**
 * Its path.
 */
path: string, };
