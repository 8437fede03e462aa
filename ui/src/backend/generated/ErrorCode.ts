// Generated from crates/app. Do not edit.

/**
 * What a client may want to tell apart.
 */
export type ErrorCode = "Invalid" | "NotFound" | "Conflict" | "OverLimit" | "Offline" | "Model" | "Endpoint" | "TooLong" | "Forbidden" | "Unsupported" | "Profile" | "InUse" | "DiskFull" | "Cancelled" | "Internal";
