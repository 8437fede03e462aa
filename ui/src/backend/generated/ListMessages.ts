// Generated from crates/app. Do not edit.

/**
 * Which messages of an agent.
 */
export type ListMessages = {
/**
 * The agent.
 */
agentId: string,
/**
 * Only those before this place; the newest when left out.
 */
beforeSeq?: number,
/**
 * Only those after this place, oldest first.
 */
afterSeq?: number,
/**
 * A page that has this message in its middle.
 */
aroundMessageId?: string,
/**
 * At most so many.
 */
limit: number, };
