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

  it('says when the server goes away, and that everything is to be loaded anew when another run answers', async () => {
    let asked = 0;
    vi.stubGlobal('fetch', () => {
      asked += 1;
      if (asked === 2) return Promise.reject(new TypeError('refused'));
      const run = asked === 1 ? 'first' : 'second';
      const frame = `data: ${JSON.stringify([event(asked === 1 ? 7 : 9)])}\n\n`;
      return Promise.resolve(new Response(streamOf(frame), { headers: { 'x-resident-run': run } }));
    });
    const backend = new HttpBackend('', 'secret');
    const links: string[] = [];
    backend.connection.watch((link) => links.push(link));
    const seen: string[] = [];
    const stop = backend.subscribe(3, (events) => seen.push(...events.map(({ seq, what }) => `${what.type} ${seq}`)));
    await vi.waitFor(() => expect(seen.length).toBeGreaterThan(2), { timeout: 8000 });
    stop();
    expect(links).toEqual(['down', 'up']);
    expect(seen.slice(0, 3)).toEqual(['AgentsChanged 7', 'Gap 0', 'AgentsChanged 9']);
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
