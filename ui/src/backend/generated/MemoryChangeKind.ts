// Generated from crates/app. Do not edit.
import type { PassageView } from "./PassageView";

/**
 * What was changed.
 */
export type MemoryChangeKind = { "type": "Block",
/**
 * The block.
 */
blockId: string,
/**
 * Its label.
 */
label: string,
/**
 * The revision.
 */
revision: number,
/**
 * Text before.
 */
before: string | null,
/**
 * Text after.
 */
after: string, } | { "type": "PassageSaved",
/**
 * The passage.
 */
passage: PassageView, } | { "type": "PassageDeleted",
/**
 * The passage.
 */
passage: PassageView, };
