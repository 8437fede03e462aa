// Generated from crates/app. Do not edit.

/**
 * A block of a file.
 */
export type BlockInFile = {
/**
 * Its label.
 */
label: string,
/**
 * Its length in characters.
 */
chars: number,
/**
 * Whether the agent may not write to it.
 */
readOnly: boolean, };
