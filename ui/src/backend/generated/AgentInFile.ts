// Generated from crates/app. Do not edit.
import type { BlockInFile } from "./BlockInFile";

/**
 * An agent of a file.
 */
export type AgentInFile = {
/**
 * Its name.
 */
name: string,
/**
 * V1's kind of it.
 */
kind: string,
/**
 * What it is for.
 */
description: string | null,
/**
 * The handle of the model that it asks for.
 */
model: string | null,
/**
 * Its blocks.
 */
blocks: Array<BlockInFile>,
/**
 * Messages of its own thread.
 */
messages: number,
/**
 * Conversations beside it.
 */
conversations: number,
/**
 * Passages of archival memory.
 */
passages: number,
/**
 * Tools that it has.
 */
tools: number, };
