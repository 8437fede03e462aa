// Generated from crates/app. Do not edit.
import type { ApiError } from "./ApiError";
import type { TurnState } from "./TurnState";

/**
 * One turn.
 */
export type TurnView = {
/**
 * Its id.
 */
id: string,
/**
 * Its agent.
 */
agentId: string,
/**
 * Where it stands.
 */
state: TurnState,
/**
 * Why it ended.
 */
stopReason: string | null,
/**
 * What went wrong.
 */
error: ApiError | null,
/**
 * When it began.
 */
startedAtMs: number,
/**
 * When it ended.
 */
endedAtMs: number | null, };
