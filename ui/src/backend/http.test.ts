import { afterEach, describe, expect, it, vi } from 'vitest';

import type { Event } from './generated/Event';
import { batches, HttpBackend, TokenRefused } from './http';

function streamOf(...chunks: string[]): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  return new ReadableStream({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(encoder.encode(chunk));
      controller.close();
    },
  });
}

const event = (seq: number): Event => ({ seq, atMs: 0, agentId: null, turnId: null, what: { type: 'AgentsChanged' } });

afterEach(() => vi.unstubAllGlobals());

describe('the HTTP backend', () => {
  it('reads events whose frames come in pieces, and skips comments', async () => {
    const frame = `data: ${JSON.stringify([event(1), event(2)])}\n\n`;
    const seen: Event[][] = [];
    for await (const batch of batches(streamOf(': hello\n\n' + frame.slice(0, 9), frame.slice(9), 'data: []\n\n'))) {
      seen.push(batch);
    }
    expect(seen).toEqual([[event(1), event(2)], []]);
  });

  it('takes the stream up again after the last event it saw', async () => {
    const asked: string[] = [];
    vi.stubGlobal('fetch', (url: string) => {
      asked.push(url);
      const frame = asked.length === 1 ? `data: ${JSON.stringify([event(7)])}\n\n` : '';
      return Promise.resolve(new Response(streamOf(frame)));
    });
    const seen: number[] = [];
    const stop = new HttpBackend('', 'secret').subscribe(3, (events) => seen.push(...events.map(({ seq }) => seq)));
    await vi.waitFor(() => expect(asked.length).toBeGreaterThan(1), { timeout: 5000 });
    stop();
    expect(asked.slice(0, 2)).toEqual(['/app/events?after_seq=3', '/app/events?after_seq=7']);
    expect(seen).toEqual([7]);
  });

  it('hands errors of the application on as they are, and tells a refused token apart', async () => {
    const backend = new HttpBackend('', null);
    const error = { code: 'NotFound', message: 'There is no agent.', hint: null };
    vi.stubGlobal('fetch', () => Promise.resolve(new Response(JSON.stringify(error), { status: 400 })));
    await expect(backend.request('getProfile', {})).rejects.toEqual(error);
    vi.stubGlobal('fetch', () => Promise.resolve(new Response('{"detail":"no"}', { status: 401 })));
    await expect(backend.request('getProfile', {})).rejects.toBeInstanceOf(TokenRefused);
    vi.stubGlobal('fetch', () => Promise.reject(new TypeError('refused')));
    await expect(backend.request('getProfile', {})).rejects.toMatchObject({ code: 'Endpoint' });
  });
});
