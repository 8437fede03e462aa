// Generated from crates/app. Do not edit.
import type { ModelOrigin } from "./ModelOrigin";
import type { ModelPurpose } from "./ModelPurpose";
import type { ModelState } from "./ModelState";

/**
 * One model.
 */
export type ModelView = {
/**
 * What requests name it by.
 */
handle: string,
/**
 * Its name.
 */
name: string,
/**
 * What it is for.
 */
purpose: ModelPurpose,
/**
 * The host that sees what is said; `None` on this computer.
 */
remoteHost: string | null,
/**
 * Where it stands.
 */
state: ModelState,
/**
 * How it came here; `None` for one that is not on this computer, or not whole.
 */
origin: ModelOrigin | null,
/**
 * Whether it is the profile's default.
 */
isDefault: boolean,
/**
 * Whether it is a small demonstration model.
 */
demonstration: boolean,
/**
 * Size of its file.
 */
sizeBytes: number | null,
/**
 * Memory it needs at its full context.
 */
memoryBytes: number | null,
/**
 * Whether it fits this computer; `None` where that is not known.
 */
fits: boolean | null,
/**
 * Its context window.
 */
contextWindowTokens: number | null,
/**
 * Its licence.
 */
licence: string | null,
/**
 * What it is good for, in one line.
 */
description: string, };
