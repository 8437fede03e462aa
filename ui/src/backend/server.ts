/**
 * The server that a window can start, for browsers and for Letta's clients on the same computer.
 */

export type ServerState = { type: 'off' } | { type: 'on'; address: string; token: string };

export interface ServerSwitch {
  state(): Promise<ServerState>;
  /** Rejects with an `ApiError` where the port is taken. */
  start(): Promise<ServerState>;
  /** Answers on their way are finished first. */
  stop(): Promise<ServerState>;
}
