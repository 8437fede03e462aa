// Generated from crates/app. Do not edit.
import type { AgentKind } from "./AgentKind";

/**
 * A new agent.
 */
export type CreateAgent = {
/**
 * Its name.
 */
name: string,
/**
 * What it is for.
 */
description?: string,
/**
 * How it speaks; `LettaV1Agent` when left out.
 */
kind?: AgentKind,
/**
 * Text of its persona block.
 */
persona?: string,
/**
 * Text of its human block.
 */
human?: string,
/**
 * The handle of its model.
 */
model?: string, };
