/**
 * How the interface reaches Resident: typed requests and one ordered event stream.
 *
 * Only this folder knows what carries them. Components and stores see this interface, so that the same interface runs
 * in the desktop window, in a browser and on the scripted backend of the tests.
 */
import type { Event } from './generated/Event';
import type { ExportedFile } from './generated/ExportedFile';
import type { Methods } from './generated/Methods';
import type { Connection } from './connection';
import type { Recovery } from './recovery';
import type { ServerSwitch, ToolServers } from './server';

export type Method = keyof Methods;
export type Params<M extends Method> = Methods[M]['params'];
export type Result<M extends Method> = Methods[M]['result'];

export interface Backend {
  /** Answers a request. Rejects with an `ApiError`. */
  request<M extends Method>(method: M, params: Params<M>): Promise<Result<M>>;
  /**
   * Hands over the events after `afterSeq`, in order, and goes on until the returned function is called. Where the
   * events asked for are no longer held, the first is a `Gap`.
   */
  subscribe(afterSeq: number, onEvents: (events: Event[]) => void): () => void;
  /** Lets the user choose a GGUF file, `null` when they thought better of it; only where files of Resident's computer
   * can be seen. */
  pickModelFile?(): Promise<string | null>;
  /** Saves a file where the user wants it; the name that it has then, `null` when they thought better of it. */
  saveFile(file: ExportedFile): Promise<string | null>;
  /** Opens an http(s) link outside the window. */
  openLink(url: string): Promise<void>;
  /** What can be done about a profile that does not open; only in a window on this computer. */
  readonly recovery?: Recovery;
  /** The server that can be switched on; only in a window on this computer. */
  readonly server?: ServerSwitch;
  /** Servers of tools; only in a window on this computer. */
  readonly toolServers?: ToolServers;
  /** How it stands with the server that the page came from; only in a browser. */
  readonly connection?: Connection;
}
