// Generated from crates/app. Do not edit.
import type { Theme } from "./Theme";

/**
 * Changes to settings; what is left out stays.
 */
export type UpdateSettings = {
/**
 * Whether only this computer is spoken to.
 */
offline?: boolean,
/**
 * Light or dark.
 */
theme?: Theme,
/**
 * The default language model.
 */
defaultModel?: string,
/**
 * 10 to 95, below compaction.
 */
pressurePercent?: number,
/**
 * 20 to 100.
 */
compactionPercent?: number,
/**
 * 1 to 100.
 */
maxSteps?: number,
/**
 * 0 to 2.
 */
temperature?: number,
/**
 * 16 to 8192.
 */
maxAnswerTokens?: number,
/**
 * 80 to 200.
 */
textPercent?: number,
/**
 * What the user is called.
 */
userName?: string, };
