// Generated from crates/app. Do not edit.
import type { AgentView } from "./AgentView";
import type { FileNotice } from "./FileNotice";

/**
 * What was taken in.
 */
export type ImportedAgents = {
/**
 * The agents.
 */
agents: Array<AgentView>,
/**
 * What was not adopted and why.
 */
notices: Array<FileNotice>, };
