// Generated from crates/app. Do not edit.
import type { ActorView } from "./ActorView";

/**
 * Where a memory came from.
 */
export type ProvenanceView = {
/**
 * Who wrote it.
 */
actor: ActorView,
/**
 * The agent's id.
 */
agentId: string | null,
/**
 * The agent's name.
 */
agentName: string | null,
/**
 * The turn.
 */
turnId: string | null,
/**
 * The message that led to it.
 */
messageId: string | null,
/**
 * The tool or action.
 */
tool: string | null, };
