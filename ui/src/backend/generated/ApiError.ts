// Generated from crates/app. Do not edit.
import type { ErrorCode } from "./ErrorCode";

/**
 * An error.
 */
export type ApiError = {
/**
 * What kind.
 */
code: ErrorCode,
/**
 * What happened and what is safe, in a sentence.
 */
message: string,
/**
 * What to do.
 */
hint: string | null, };
