// Generated from crates/app. Do not edit.
import type { ProvenanceView } from "./ProvenanceView";

/**
 * A block.
 */
export type BlockView = {
/**
 * Its id.
 */
id: string,
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
 * Characters used.
 */
chars: number,
/**
 * Characters it may have.
 */
limitChars: number,
/**
 * Whether agents may not write to it.
 */
readOnly: boolean,
/**
 * The agents it is attached to.
 */
agentIds: Array<string>,
/**
 * The number of its newest revision.
 */
revision: number,
/**
 * Who wrote that revision.
 */
provenance: ProvenanceView,
/**
 * When it was last changed.
 */
updatedAtMs: number,
/**
 * When it was moved to the bin.
 */
deletedAtMs: number | null, };
