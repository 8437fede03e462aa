/**
 * The archive of one agent: a search through its passages, page by page, and what a person does to them.
 */
import type { Backend, Params } from '../backend/backend';
import { toApiError } from '../backend/errors';
import type { ApiError, PassageHit, PassageSort, TagCount } from '../backend/generated';
import { dayStart } from '../format/times';
import { Documents, type Saved } from './documents.svelte';

const PAGE = 50;
const TYPING_MS = 180;
const DAY_MS = 24 * 60 * 60 * 1000;

export class Archive {
  query = $state('');
  tags = $state.raw<readonly string[]>([]);
  sort = $state<PassageSort>('Relevance');
  /** `YYYY-MM-DD`, or empty for no bound. */
  from = $state('');
  to = $state('');
  /** The day at whose end what is shown was true; empty for today. */
  asOf = $state('');

  hits = $state.raw<readonly PassageHit[]>([]);
  total = $state(0);
  known = $state.raw<readonly TagCount[]>([]);
  state = $state<'unloaded' | 'loading' | 'ready' | 'failed'>('unloaded');
  error = $state.raw<ApiError | null>(null);
  selected = $state.raw<ReadonlySet<string>>(new Set());

  readonly documents: Documents;

  #search = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly backend: Backend,
    readonly agentId: string,
  ) {
    this.documents = new Documents((name, text) => this.#saveDocument(name, text));
  }

  /** Whether something narrows the list. */
  get filtered(): boolean {
    return this.query.trim() !== '' || this.tags.length > 0 || this.from !== '' || this.to !== '' || this.asOf !== '';
  }

  #params(offset: number): Params<'searchPassages'> {
    const from = dayStart(this.from);
    const to = dayStart(this.to);
    const asOf = dayStart(this.asOf);
    return {
      agentId: this.agentId,
      query: this.query.trim(),
      tags: [...this.tags],
      matchAllTags: true,
      sort: this.sort,
      deleted: false,
      offset,
      limit: PAGE,
      ...(from === null ? {} : { fromMs: from }),
      ...(to === null ? {} : { toMs: to + DAY_MS }),
      ...(asOf === null ? {} : { asOfMs: asOf + DAY_MS - 1 }),
    };
  }

  /** Searches anew; an answer that comes after a newer search is dropped. */
  async load(): Promise<void> {
    clearTimeout(this.#timer);
    const search = ++this.#search;
    if (this.state !== 'ready') this.state = 'loading';
    try {
      const [page, tags] = await Promise.all([
        this.backend.request('searchPassages', this.#params(0)),
        this.backend.request('listTags', { agentId: this.agentId }),
      ]);
      if (search !== this.#search) return;
      this.hits = page.hits;
      this.total = page.total;
      this.known = tags;
      this.state = 'ready';
      this.error = null;
      this.#keepSelected();
    } catch (error) {
      if (search !== this.#search) return;
      this.error = toApiError(error);
      this.state = 'failed';
    }
  }

  /** Searches when the typing pauses. */
  loadSoon(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.load(), TYPING_MS);
  }

  async more(): Promise<void> {
    if (this.hits.length >= this.total || this.state !== 'ready') return;
    const search = this.#search;
    const page = await this.backend.request('searchPassages', this.#params(this.hits.length));
    if (search === this.#search) this.hits = [...this.hits, ...page.hits];
  }

  toggleTag(tag: string): void {
    this.tags = this.tags.includes(tag) ? this.tags.filter((other) => other !== tag) : [...this.tags, tag];
    void this.load();
  }

  clearFilters(): void {
    this.query = '';
    this.tags = [];
    this.from = '';
    this.to = '';
    this.asOf = '';
    void this.load();
  }

  select(passageId: string, chosen: boolean): void {
    const next = new Set(this.selected);
    if (chosen) next.add(passageId);
    else next.delete(passageId);
    this.selected = next;
  }

  selectAll(chosen: boolean): void {
    this.selected = new Set(chosen ? this.hits.map((hit) => hit.passage.id) : []);
  }

  #keepSelected(): void {
    const here = new Set(this.hits.map((hit) => hit.passage.id));
    this.selected = new Set([...this.selected].filter((id) => here.has(id)));
  }

  async add(text: string, tags: string[]): Promise<number> {
    const saved = await this.backend.request('createPassage', { agentId: this.agentId, text, tags });
    await this.load();
    return saved.length;
  }

  /** Its name is where the passages say that they come from, and a tag to find them together. */
  async #saveDocument(name: string, text: string): Promise<string[]> {
    const saved = await this.backend.request('createPassage', { agentId: this.agentId, text, tags: [name], document: name });
    return saved.map((passage) => passage.id);
  }

  /** Saves files as documents and shows what came of it. */
  async addDocuments(files: readonly File[]): Promise<Saved | null> {
    const saved = await this.documents.add(files);
    if (saved && saved.names.length > 0) await this.load();
    return saved;
  }

  showAsOf(day: string): void {
    this.asOf = day;
    void this.load();
  }

  async update(passageId: string, text: string, tags: string[]): Promise<void> {
    await this.backend.request('updatePassage', { passageId, text, tags });
    await this.load();
  }

  async remove(passageIds: string[]): Promise<void> {
    await this.backend.request('deletePassages', { passageIds });
    const gone = new Set(passageIds);
    this.hits = this.hits.filter((hit) => !gone.has(hit.passage.id));
    this.total = Math.max(0, this.total - gone.size);
    this.#keepSelected();
  }

  async restore(passageIds: string[]): Promise<void> {
    await this.backend.request('restorePassages', { passageIds });
    await this.load();
  }
}

/** `work, home , work` becomes `['work', 'home']`. */
export function tagsFrom(text: string): string[] {
  return [...new Set(text.split(',').map((tag) => tag.trim()))].filter((tag) => tag !== '');
}
