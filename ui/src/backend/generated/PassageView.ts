// Generated from crates/app. Do not edit.
import type { ProvenanceView } from "./ProvenanceView";

/**
 * A passage.
 */
export type PassageView = {
/**
 * Its id.
 */
id: string,
/**
 * The agent whose archive it is in.
 */
agentId: string,
/**
 * Its text.
 */
text: string,
/**
 * Its tags.
 */
tags: Array<string>,
/**
 * Who saved it.
 */
provenance: ProvenanceView,
/**
 * The document it is a chunk of.
 */
document: string | null,
/**
 * From when it was true.
 */
validFromMs: number | null,
/**
 * Until when it was true.
 */
validToMs: number | null,
/**
 * The passage that took its place when it ceased to be true.
 */
supersededBy: string | null,
/**
 * When it was saved.
 */
createdAtMs: number,
/**
 * When it was last changed.
 */
updatedAtMs: number,
/**
 * When it was moved to the bin.
 */
deletedAtMs: number | null, };
