// Generated from crates/app. Do not edit.

/**
 * A group of a file.
 */
export type GroupInFile = {
/**
 * V1's kind of it.
 */
kind: string,
/**
 * What it is for.
 */
description: string,
/**
 * The name of the agent that leads it.
 */
ledBy: string | null,
/**
 * The names of its agents.
 */
agents: Array<string>, };
