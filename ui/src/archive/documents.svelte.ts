/**
 * Documents on their way into the archive: text files, one after the other, each saved whole by one request. What could
 * not be saved is kept with its reason until it is read; what was saved can be taken back together.
 *
 * Files are read here and sent as text, so that it is the same in the desktop window and in a browser.
 */
import { toApiError } from '../backend/errors';
import type { ApiError } from '../backend/generated';
import { readText } from '../travel/textFile';

/** The API refuses larger ones; a file that is much larger is not even read. */
export const MOST_BYTES = 8_000_000;

/** What the file dialog offers first. What matters is that it is text. */
export const ACCEPT = '.txt,.md,.markdown,.text,.csv,.json,.html,.xml,.yaml,.yml,.toml,.log,text/*';

export interface Progress {
  name: string;
  /** Counts from 1. */
  at: number;
  of: number;
}

export interface Refused {
  name: string;
  error: ApiError;
}

/** What was saved: documents, and the passages that they became. */
export interface Saved {
  names: readonly string[];
  passageIds: readonly string[];
}

/** The text of a document; throws an `ApiError` that says why it has none. */
export function readDocument(file: File): Promise<string> {
  return readText(file, { most: MOST_BYTES, tooLarge: 'Split it, and add its parts.', noText: 'Save it as plain text in UTF-8, then add it again.' });
}

export class Documents {
  progress = $state.raw<Progress | null>(null);
  refused = $state.raw<readonly Refused[]>([]);
  #stopping = false;

  constructor(private readonly save: (name: string, text: string) => Promise<string[]>) {}

  /** Adds files in their order; those that cannot be are in `refused`. `null` while others are on their way. */
  async add(files: readonly File[]): Promise<Saved | null> {
    if (this.progress !== null || files.length === 0) return null;
    this.refused = [];
    this.#stopping = false;
    const names: string[] = [];
    const passageIds: string[] = [];
    for (const [at, file] of files.entries()) {
      if (this.#stopping) break;
      this.progress = { name: file.name, at: at + 1, of: files.length };
      try {
        passageIds.push(...(await this.save(file.name, await readDocument(file))));
        names.push(file.name);
      } catch (error) {
        this.refused = [...this.refused, { name: file.name, error: toApiError(error) }];
      }
    }
    this.progress = null;
    return { names, passageIds };
  }

  /** Adds no more after the one that is being saved. */
  stop(): void {
    this.#stopping = true;
  }

  /** The reasons were read. */
  dismiss(): void {
    this.refused = [];
  }
}
