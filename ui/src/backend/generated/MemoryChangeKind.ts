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
after: string, } | { "type": "BlockRenamed",
/**
 * The block.
 */
blockId: string,
/**
 * Its label before.
 */
before: string,
/**
 * Its label after.
 */
after: string, } | { "type": "BlockDescribed",
/**
 * The block.
 */
blockId: string,
/**
 * Its label.
 */
label: string,
/**
 * What it was for.
 */
before: string,
/**
 * What it is for.
 */
after: string, } | { "type": "BlockRemoved",
/**
 * The block.
 */
blockId: string,
/**
 * The agent.
 */
agentId: string,
/**
 * Its label.
 */
label: string,
/**
 * Its text.
 */
text: string, } | { "type": "PassageSaved",
/**
 * The passage.
 */
passage: PassageView, } | { "type": "PassageDeleted",
/**
 * The passage.
 */
passage: PassageView, };
