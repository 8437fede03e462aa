// Generated from crates/app. Do not edit.
import type { ProvenanceView } from "./ProvenanceView";

/**
 * One version of a block.
 */
export type RevisionView = {
/**
 * Counts from 1.
 */
number: number,
/**
 * Text before; `None` for the first.
 */
before: string | null,
/**
 * Text after.
 */
after: string,
/**
 * Who wrote it.
 */
provenance: ProvenanceView,
/**
 * When.
 */
createdAtMs: number, };
