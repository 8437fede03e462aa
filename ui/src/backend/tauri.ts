/**
 * The desktop window's backend: requests by `invoke`, events by an ordered channel.
 *
 * Nothing else in the interface knows the names of the shell's commands.
 */
import { Channel, invoke } from '@tauri-apps/api/core';

import type { Backend, Method, Params, Result } from './backend';
import type { Drag, Dragged } from './drags';
import { toApiError } from './errors';
import type { Event } from './generated/Event';
import type { Opening } from './recovery';
import type { ServerState, ToolServer } from './server';

async function call<T>(command: string, args: Record<string, unknown>): Promise<T> {
  try {
    return await invoke<T>(command, args);
  } catch (error) {
    throw toApiError(error);
  }
}

export const tauriBackend: Backend = {
  request<M extends Method>(method: M, params: Params<M>): Promise<Result<M>> {
    return call<Result<M>>('request', { method, params });
  },

  subscribe(afterSeq, onEvents) {
    let open = true;
    const channel = new Channel<Event | Event[]>();
    channel.onmessage = (message) => {
      if (open) onEvents(Array.isArray(message) ? message : [message]);
    };
    void call('subscribe', { afterSeq, channel });
    return () => {
      open = false;
      void call('unsubscribe', { channelId: channel.id });
    };
  },

  pickModelFile: () => call<string | null>('pick_model_file', {}),

  saveFile: ({ fileName, text }) => call<string | null>('save_file', { fileName, text }),

  openLink: (url) => call<void>('open_link', { url }),

  recovery: {
    state: () => call<Opening>('opening_state', {}),
    retry: () => call<Opening>('retry_opening', {}),
    restore: (path) => call<Opening>('restore_backup', { path }),
    chooseFolder: () => call<Opening | null>('choose_profile_folder', {}),
    quit: () => call<void>('quit', {}),
  },

  server: {
    state: () => call<ServerState>('server_state', {}),
    start: () => call<ServerState>('start_server', {}),
    stop: () => call<ServerState>('stop_server', {}),
  },

  toolServers: {
    list: () => call<ToolServer[]>('mcp_servers', {}),
    allow: ({ id, address }, allowed) => call<ToolServer[]>('allow_mcp_server', { id, address, allowed }),
  },
};

/** Files that are dragged onto the window, as its shell sees them. */
export const followDrags: Dragged = (onDrag) => {
  const channel = new Channel<Drag>();
  channel.onmessage = onDrag;
  void call('follow_drags', { channel });
  return (at) => call<ArrayBuffer>('read_dropped', { at });
};
