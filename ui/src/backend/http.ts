/**
 * The browser's backend: requests by POST, events by one stream that is taken up again where it broke off.
 *
 * Nothing else in the interface knows the server's addresses.
 */
import type { Backend, Method, Params, Result } from './backend';
import type { Connection, Link } from './connection';
import { toApiError } from './errors';
import type { ApiError } from './generated/ApiError';
import type { Event } from './generated/Event';
import type { ExportedFile } from './generated/ExportedFile';

/** The server wants a token, or another one. */
export class TokenRefused extends Error {}

const patience = { first: 500, most: 4000 };

/** Names the run of the server that numbers the events. */
const runHeader = 'x-resident-run';

export class HttpBackend implements Backend {
  constructor(
    private readonly origin: string,
    private readonly token: string | null,
  ) {}

  readonly #watchers = new Set<(link: Link) => void>();
  #link: Link = 'up';

  readonly connection: Connection = {
    host: location.host,
    watch: (onLink) => {
      this.#watchers.add(onLink);
      return () => this.#watchers.delete(onLink);
    },
  };

  async request<M extends Method>(method: M, params: Params<M>): Promise<Result<M>> {
    let response: Response;
    try {
      response = await fetch(`${this.origin}/app/request/${method}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...this.authorization() },
        body: JSON.stringify(params),
      });
    } catch {
      throw unreachable;
    }
    if (response.ok) return (await response.json()) as Result<M>;
    throw await this.failure(response);
  }

  subscribe(afterSeq: number, onEvents: (events: Event[]) => void): () => void {
    const stop = new AbortController();
    void this.follow(afterSeq, onEvents, stop.signal);
    return () => stop.abort();
  }

  saveFile({ fileName, mediaType, text }: ExportedFile): Promise<string | null> {
    const link = document.createElement('a');
    link.href = URL.createObjectURL(new Blob([text], { type: mediaType }));
    link.download = fileName;
    link.click();
    // The browser has taken hold of it when the click is over.
    setTimeout(() => URL.revokeObjectURL(link.href));
    return Promise.resolve(fileName);
  }

  openLink(url: string): Promise<void> {
    window.open(url, '_blank', 'noopener,noreferrer');
    return Promise.resolve();
  }

  private authorization(): Record<string, string> {
    return this.token === null ? {} : { authorization: `Bearer ${this.token}` };
  }

  private async failure(response: Response): Promise<unknown> {
    const body: unknown = await response.json().catch(() => null);
    if (response.status === 401) return new TokenRefused('The server did not accept the token.');
    const detail = (body as { detail?: unknown } | null)?.detail;
    return toApiError(typeof detail === 'string' ? detail : body);
  }

  #tell(link: Link): void {
    if (link === this.#link) return;
    this.#link = link;
    for (const onLink of this.#watchers) onLink(link);
  }

  /**
   * Follows the stream until it is stopped; after a break it asks for what came after the last event it saw. A server
   * that was started anew numbers its events anew, so that everything has to be loaded afresh.
   */
  private async follow(afterSeq: number, onEvents: (events: Event[]) => void, stop: AbortSignal): Promise<void> {
    let seen = afterSeq;
    let run: string | null = null;
    let wait = patience.first;
    while (!stop.aborted) {
      try {
        const response = await fetch(`${this.origin}/app/events?after_seq=${seen}`, {
          headers: this.authorization(),
          signal: stop,
        });
        if (response.status === 401) return this.#tell('refused');
        if (response.ok && response.body) {
          const nextRun = response.headers.get(runHeader);
          if (run !== null && nextRun !== run) onEvents([gap]);
          run = nextRun;
          this.#tell('up');
          for await (const batch of batches(response.body)) {
            wait = patience.first;
            seen = batch.at(-1)?.seq ?? seen;
            if (!stop.aborted) onEvents(batch);
          }
        }
      } catch {
        // The server went away; it is asked again below.
        if (!stop.aborted) this.#tell('down');
      }
      await pause(wait, stop);
      wait = Math.min(wait * 2, patience.most);
    }
  }
}

const unreachable: ApiError = {
  code: 'Endpoint',
  message: 'Resident does not answer. What you wrote is still here.',
  hint: 'See whether `resident server` runs, and try again.',
};

/** What was seen so far counts no longer. */
const gap: Event = { seq: 0, atMs: 0, agentId: null, turnId: null, what: { type: 'Gap' } };

function pause(ms: number, stop: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    stop.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}

/** The batches of events in a stream of server-sent events. */
export async function* batches(body: ReadableStream<Uint8Array>): AsyncGenerator<Event[]> {
  const reader = body.pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>).getReader();
  let rest = '';
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    rest += value;
    const frames = rest.split('\n\n');
    rest = frames.pop() ?? '';
    for (const frame of frames) {
      const data = frame.split('\n').filter((line) => line.startsWith('data:'));
      if (data.length > 0) yield JSON.parse(data.map((line) => line.slice(5)).join('\n')) as Event[];
    }
  }
}
