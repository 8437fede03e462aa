// Generated from crates/app. Do not edit.
import type { AgentView } from "./AgentView";
import type { GroupView } from "./GroupView";

/**
 * An agent, with those that tidy its memory.
 */
export type SleeptimeView = {
/**
 * The group, where there is one.
 */
group: GroupView | null,
/**
 * The agents that tidy.
 */
agents: Array<AgentView>, };
