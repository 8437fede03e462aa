// Generated from crates/app. Do not edit.

/**
 * One check of the doctor.
 */
export type HealthCheck = {
/**
 * What was looked at.
 */
name: string,
/**
 * Whether it is well.
 */
ok: boolean,
/**
 * What was found, and what to do if it is not well.
 */
message: string, };
