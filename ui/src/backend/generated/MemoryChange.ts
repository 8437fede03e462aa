// Generated from crates/app. Do not edit.
import type { MemoryChangeKind } from "./MemoryChangeKind";
import type { ProvenanceView } from "./ProvenanceView";

/**
 * What a turn (or a person) changed in memory.
 */
export type MemoryChange = {
/**
 * The turn, if it was in one.
 */
turnId: string | null,
/**
 * Who did it.
 */
provenance: ProvenanceView,
/**
 * What was done.
 */
what: MemoryChangeKind,
/**
 * When.
 */
atMs: number,
/**
 * Whether it has been undone since.
 */
undone: boolean, };
