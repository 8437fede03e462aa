// Generated from crates/app. Do not edit.

/**
 * A folder of a file.
 */
export type FolderInFile = {
/**
 * Its name.
 */
name: string,
/**
 * The names of its files.
 */
files: Array<string>, };
