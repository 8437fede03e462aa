// Generated from crates/app. Do not edit.
import type { FileNoticeKind } from "./FileNoticeKind";

/**
 * What a person should know about a file.
 */
export type FileNotice = {
/**
 * What it is about.
 */
kind: FileNoticeKind,
/**
 * Where in the file; empty for the file as a whole.
 */
place: string,
/**
 * In a sentence.
 */
text: string, };
