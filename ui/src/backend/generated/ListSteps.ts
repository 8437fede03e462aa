// Generated from crates/app. Do not edit.

/**
 * Which steps to list: those of one turn, or the newest of an agent.
 */
export type ListSteps = {
/**
 * The agent.
 */
agentId: string,
/**
 * One turn of it.
 */
turnId?: string,
/**
 * At most so many, newest turn first, in order within a turn.
 */
limit: number, };
