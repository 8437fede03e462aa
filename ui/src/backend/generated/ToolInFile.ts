// Generated from crates/app. Do not edit.

/**
 * A tool of a file.
 */
export type ToolInFile = {
/**
 * Its name.
 */
name: string,
/**
 * What it does, as models are told.
 */
description: string,
/**
 * Whether it is one of Resident's own, so that it runs here.
 */
runsHere: boolean,
/**
 * Whether its agents have it here, as a description at least.
 */
attached: boolean, };
