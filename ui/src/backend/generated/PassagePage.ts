// Generated from crates/app. Do not edit.
import type { PassageHit } from "./PassageHit";

/**
 * A page of passages.
 */
export type PassagePage = {
/**
 * The passages.
 */
hits: Array<PassageHit>,
/**
 * How many there are in all.
 */
total: number, };
