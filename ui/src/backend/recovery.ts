/**
 * What can be done about a profile that does not open. Only a window on this computer has it: it needs the profile's
 * folder and its backups.
 */
import type { ApiError } from './generated/ApiError';

export interface Backup {
  path: string;
  createdAtMs: number;
  sizeBytes: number;
}

/** How the opening of the profile went. */
export type Opening =
  | { type: 'open' }
  | { type: 'failed'; error: ApiError; folder: string; backups: readonly Backup[] };

export interface Recovery {
  /** How the opening went; answers when it is over. */
  state(): Promise<Opening>;
  /** Tries again: something outside may have changed. */
  retry(): Promise<Opening>;
  /** Puts a backup in the place of the database, which is kept beside it, and opens it. */
  restore(path: string): Promise<Opening>;
  /** Lets the user choose another folder and opens it; `null` when they thought better of it. */
  chooseFolder(): Promise<Opening | null>;
  /** Ends Resident. */
  quit(): Promise<void>;
}
