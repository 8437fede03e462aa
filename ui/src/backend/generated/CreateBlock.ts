// Generated from crates/app. Do not edit.

/**
 * A new block, attached to an agent.
 */
export type CreateBlock = {
/**
 * The agent.
 */
agentId: string,
/**
 * Its label.
 */
label: string,
/**
 * What it is for.
 */
description: string,
/**
 * Its text.
 */
value: string,
/**
 * Characters it may have; the default of its label when left out.
 */
limitChars?: number,
/**
 * Whether agents may not write to it.
 */
readOnly: boolean, };
