// Generated from crates/app. Do not edit.
import type { ContextPartKind } from "./ContextPartKind";

/**
 * One part of the window.
 */
export type ContextPart = {
/**
 * What it is.
 */
kind: ContextPartKind,
/**
 * A block's label, a message's role, a tool's name.
 */
label: string,
/**
 * The text it stands for.
 */
text: string,
/**
 * Its tokens in the loaded model's vocabulary.
 */
tokens: number, };
