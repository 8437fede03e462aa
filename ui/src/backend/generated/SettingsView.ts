// Generated from crates/app. Do not edit.
import type { Theme } from "./Theme";

/**
 * Settings of the profile.
 */
export type SettingsView = {
/**
 * Whether only this computer is spoken to.
 */
offline: boolean,
/**
 * Light or dark.
 */
theme: Theme,
/**
 * The default language model.
 */
defaultModel: string,
/**
 * Where the agent is warned, in percent of the window.
 */
pressurePercent: number,
/**
 * Where the oldest part is evicted, in percent of the window.
 */
compactionPercent: number,
/**
 * Steps that a turn may take.
 */
maxSteps: number,
/**
 * Sampling temperature.
 */
temperature: number,
/**
 * The longest answer in tokens.
 */
maxAnswerTokens: number,
/**
 * Size of the interface's text, in percent.
 */
textPercent: number, };
