// Generated from crates/app. Do not edit.
import type { RoleView } from "./RoleView";

/**
 * A search through everything said.
 */
export type SearchMessages = {
/**
 * The agent.
 */
agentId: string,
/**
 * Words or a question.
 */
query: string,
/**
 * Only these speakers; all when empty.
 */
roles: Array<RoleView>,
/**
 * Only from this time on.
 */
fromMs?: number,
/**
 * Only before this time.
 */
toMs?: number,
/**
 * At most so many.
 */
limit: number, };
