// Generated from crates/app. Do not edit.

/**
 * The profile and the program.
 */
export type ProfileView = {
/**
 * Resident's version.
 */
version: string,
/**
 * The profile's folder.
 */
folder: string,
/**
 * Whether nobody has given a name yet.
 */
firstStart: boolean,
/**
 * What the user is called.
 */
userName: string | null,
/**
 * Whether keys are kept in the system's keyring, or only until the program ends.
 */
keyring: boolean,
/**
 * Messages and passages that still wait for their vectors.
 */
unembedded: number,
/**
 * The newest event, for a subscription from here on.
 */
lastEventSeq: number, };
