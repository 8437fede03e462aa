// Generated from crates/app. Do not edit.

/**
 * Has the memory of an agent tidied in the background from now on, or no longer.
 */
export type SetSleeptime = {
/**
 * The agent whose memory it is.
 */
agentId: string,
/**
 * Whether.
 */
enabled: boolean,
/**
 * After how many turns; 5 when left out.
 */
everyTurns?: number, };
