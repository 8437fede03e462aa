// Generated from crates/app. Do not edit.

/**
 * A file that was written.
 */
export type ExportedFile = {
/**
 * A name for it.
 */
fileName: string,
/**
 * Its media type.
 */
mediaType: string,
/**
 * What is in it.
 */
text: string, };
