/**
 * The desktop window's backend: requests by `invoke`, events by an ordered channel.
 *
 * The shell has five commands; nothing else in the interface knows their names.
 */
import { Channel, invoke } from '@tauri-apps/api/core';

import type { Backend, Method, Params, Result } from './backend';
import { toApiError } from './errors';
import type { Event } from './generated/Event';

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

  openLink: (url) => call<void>('open_link', { url }),
};
