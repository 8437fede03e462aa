// Generated from crates/app. Do not edit.
import type { PassageView } from "./PassageView";

/**
 * What was changed.
 */
export type MemoryChangeKind = { "type": "Block", blockId: string, label: string, revision: number, before: string | null, after: string } | { "type": "PassageSaved", passage: PassageView } | { "type": "PassageDeleted", passage: PassageView };
