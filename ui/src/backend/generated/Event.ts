// Generated from crates/app. Do not edit.
import type { EventKind } from "./EventKind";

/**
 * One event.
 */
export type Event = {
/**
 * Grows by one.
 */
seq: number,
/**
 * When.
 */
atMs: number,
/**
 * The agent it concerns.
 */
agentId: string | null,
/**
 * The turn it belongs to.
 */
turnId: string | null,
/**
 * The conversation of the turn, where it is not in the agent's own thread.
 */
conversationId?: string,
/**
 * What happened.
 */
what: EventKind, };
