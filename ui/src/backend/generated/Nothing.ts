// Generated from crates/app. Do not edit.

/**
 * Parameters of a method that takes none, and result of one that returns nothing.
 */
export type Nothing = Record<symbol, never>;
