/**
 * A page in a browser: Resident is on another computer, or at least behind a server that can go away.
 */

/** The server answers, does not answer, or wants another token. */
export type Link = 'up' | 'down' | 'refused';

export interface Connection {
  /** The server, as the page's address names it. */
  readonly host: string;
  /** Tells of every change; the first is one to something else than `up`. */
  watch(onLink: (link: Link) => void): () => void;
}
