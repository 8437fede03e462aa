// Generated from crates/app. Do not edit.
import type { PassageSort } from "./PassageSort";

/**
 * A search through an archive, or a page of it when `query` is empty.
 */
export type SearchPassages = {
/**
 * The agent.
 */
agentId: string,
/**
 * Words or a question.
 */
query: string,
/**
 * Only with these tags.
 */
tags: Array<string>,
/**
 * Whether all of the tags are needed, or any.
 */
matchAllTags: boolean,
/**
 * Only saved from this time on.
 */
fromMs?: number,
/**
 * Only saved before this time.
 */
toMs?: number,
/**
 * What was believed true at this time, instead of now.
 */
asOfMs?: number,
/**
 * The order.
 */
sort: PassageSort,
/**
 * Those in the bin instead.
 */
deleted: boolean,
/**
 * How many to skip.
 */
offset: number,
/**
 * At most so many.
 */
limit: number, };
