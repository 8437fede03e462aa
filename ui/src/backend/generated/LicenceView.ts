// Generated from crates/app. Do not edit.

/**
 * A licence of a part.
 */
export type LicenceView = {
/**
 * The part's name.
 */
name: string,
/**
 * Its version.
 */
version: string,
/**
 * SPDX expression.
 */
licence: string,
/**
 * Where it comes from.
 */
source: string, };
