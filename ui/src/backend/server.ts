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

/** A server of tools that a client described. */
export interface ToolServer {
  id: string;
  name: string;
  /** A URL, or a command with its arguments and the names of its variables. */
  address: string;
  /** Whether allowing it lets a program be started on this computer. */
  startsProgram: boolean;
  allowed: boolean;
}

/** Which servers of tools may be started or contacted; for the person in front of the computer alone. */
export interface ToolServers {
  list(): Promise<ToolServer[]>;
  /** Rejects with an `ApiError` where the server has another address by now. */
  allow(server: ToolServer, allowed: boolean): Promise<ToolServer[]>;
}
