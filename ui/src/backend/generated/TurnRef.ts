// Generated from crates/app. Do not edit.

/**
 * Names one turn.
 */
export type TurnRef = {
/**
 * Its id.
 */
turnId: string, };
