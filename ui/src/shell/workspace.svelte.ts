/**
 * The whole of what the window shows: the profile, its agents, the place that is open, and the event stream that keeps
 * them true. Started once; a gap in the stream loads everything afresh.
 */
import { getContext, setContext } from 'svelte';

import type { Backend, Params } from '../backend/backend';
import type { Link } from '../backend/connection';
import { toApiError } from '../backend/errors';
import { perFrame } from '../backend/frames';
import type { AgentView, Event, GroupView, ModelView, ProfileView, SettingsView } from '../backend/generated';
import { counted } from '../format/numbers';
import { computerOf } from '../format/words';
import { Groups } from '../groups/groups.svelte';
import { membersOf } from '../groups/people';
import type { Talk } from '../groups/talk.svelte';
import { ModelLibrary } from '../models/library.svelte';
import { Desk } from './desk';
import { Layout } from './layout.svelte';
import type { Overlay, Place, Start } from './places';
import { Toasts } from './toasts.svelte';

const LAST_AGENT = 'resident.agent';

export class Workspace {
  start = $state.raw<Start>({ kind: 'starting' });
  profile = $state.raw<ProfileView | null>(null);
  settings = $state.raw<SettingsView | null>(null);
  agents = $state.raw<readonly AgentView[]>([]);
  agentId = $state<string | null>(null);
  groupId = $state<string | null>(null);
  place = $state<Place>('chat');
  overlay = $state.raw<Overlay | null>(null);
  /** Messages and passages that can be found by their words only, so far. */
  unembedded = $state(0);
  /** Whether a server that the page came from answers. */
  link = $state<Link>('up');
  /** Grows when the composer is to take the focus. */
  composerFocus = $state(0);

  readonly layout = new Layout();
  readonly toasts = new Toasts();
  readonly library: ModelLibrary;
  readonly groups: Groups;

  #desks = new Map<string, Desk>();
  #desk = $state.raw<Desk | null>(null);
  #seq = 0;
  #close: (() => void) | null = null;
  #unwatch: (() => void) | null = null;

  constructor(readonly backend: Backend) {
    this.library = new ModelLibrary(backend);
    this.groups = new Groups(
      backend,
      (agentId) => this.agents.find((agent) => agent.id === agentId)?.runningTurnId ?? null,
      (thrown) => this.toasts.failed(toApiError(thrown)),
    );
  }

  /** The agents that one talks with, in their order: without those that only tidy the memory of another. */
  get listed(): readonly AgentView[] {
    return this.agents.filter((agent) => !this.groups.onlyTidies(agent.id));
  }

  /** The group that is open. */
  get group(): GroupView | undefined {
    return this.place === 'group' ? this.groups.of(this.groupId) : undefined;
  }

  /** The talk of the open group. */
  get talk(): Talk | null {
    return this.group ? this.groups.talk(this.group.id) : null;
  }

  get agent(): AgentView | undefined {
    return this.agents.find((agent) => agent.id === this.agentId);
  }

  get desk(): Desk | null {
    return this.#desk;
  }

  /** The model that answers for the open agent. */
  get model(): ModelView | undefined {
    return this.library.of(this.agent?.model ?? null);
  }

  /** What leaves the computer that Resident runs on, in words. */
  get privacy(): { text: string; kind: 'offline' | 'local' | 'remote' } {
    const hosts = this.#hosts;
    const far = hosts.filter((host) => !this.library.isHere(host));
    const [near] = hosts;
    if (far.length > 0) return { text: `Remote: ${far.join(', ')}`, kind: 'remote' };
    if (near !== undefined) return { text: `Local: ${near}`, kind: 'local' };
    return this.settings?.offline === false ? { text: 'Local', kind: 'local' } : { text: 'Offline', kind: 'offline' };
  }

  /** The hosts that hear what is said here: to the open agent, or to anyone in the open group. */
  get #hosts(): string[] {
    const hearing = this.group ? membersOf(this.group) : [this.agentId];
    const models = hearing.map((id) => this.library.of(this.agents.find((agent) => agent.id === id)?.model ?? null));
    return [...new Set(models.map((model) => model?.remoteHost ?? null).filter((host) => host !== null))];
  }

  /** The computer that Resident runs on, in words. */
  get computer(): string {
    return computerOf(this.backend);
  }

  /** Opens the profile and begins to follow its events. */
  async open(): Promise<void> {
    this.start = { kind: 'starting' };
    this.#unwatch ??= this.backend.connection?.watch((link) => (this.link = link)) ?? null;
    try {
      const profile = await this.backend.request('getProfile', {});
      this.profile = profile;
      this.unembedded = profile.unembedded;
      this.#seq = profile.lastEventSeq;
      this.#close?.();
      this.#close = this.backend.subscribe(
        profile.lastEventSeq,
        perFrame((events) => this.apply(events)),
      );
      await this.#loadAll();
      this.start = { kind: 'ready' };
    } catch (error) {
      this.start = { kind: 'failed', error: toApiError(error) };
    }
  }

  close(): void {
    this.#close?.();
    this.#unwatch?.();
  }

  async #loadAll(): Promise<void> {
    const [settings, agents] = await Promise.all([
      this.backend.request('getSettings', {}),
      this.backend.request('listAgents', { deleted: false }),
      this.library.load(),
      this.groups.reset(),
    ]);
    this.settings = settings;
    this.layout.textPercent = settings.textPercent;
    this.agents = agents;
    // What is being written outlives the conversation that it is written to.
    const drafts = [...this.#desks].map(([id, desk]) => [id, desk.conversation.draft] as const);
    this.#desks.clear();
    const last = this.agentId ?? localStorage.getItem(LAST_AGENT);
    const open = agents.find((agent) => agent.id === last) ?? this.listed[0] ?? agents[0];
    for (const [id, draft] of drafts) {
      if (draft !== '' && agents.some((agent) => agent.id === id)) this.#deskOf(id).conversation.draft = draft;
    }
    if (open) this.#seat(open.id);
    else {
      this.agentId = null;
      this.#desk = null;
    }
  }

  #seat(agentId: string): void {
    this.agentId = agentId;
    localStorage.setItem(LAST_AGENT, agentId);
    this.#desk = this.#deskOf(agentId);
  }

  #deskOf(agentId: string): Desk {
    let desk = this.#desks.get(agentId);
    if (!desk) {
      desk = new Desk(this.backend, agentId);
      this.#desks.set(agentId, desk);
      void desk.load();
    }
    return desk;
  }

  /** Shows an agent's conversation. */
  openAgent(agentId: string): void {
    this.#seat(agentId);
    this.go('chat');
    this.composerFocus += 1;
  }

  /** Shows the talk of a group. */
  openGroup(groupId: string): void {
    this.groupId = groupId;
    this.go('group');
    this.composerFocus += 1;
  }

  go(place: Place): void {
    this.place = place;
    this.overlay = null;
    this.layout.closeOver();
  }

  /** Shows one message in its conversation. */
  async openMessage(agentId: string, messageId: string): Promise<void> {
    this.openAgent(agentId);
    await this.#desk?.conversation.open(messageId);
  }

  /** Takes in a batch of events, in order. */
  apply(events: readonly Event[]): void {
    for (const event of events) {
      if (event.what.type === 'Gap') {
        // Also where its number is an earlier one: the program was started anew and counts from the beginning.
        this.#seq = event.seq;
        void this.toasts.attempt(() => this.#loadAll());
        continue;
      }
      if (event.seq <= this.#seq) continue;
      this.#seq = event.seq;
      this.#take(event);
      this.groups.apply(event);
      for (const desk of this.#desks.values()) {
        if (event.agentId === null || event.agentId === desk.agentId) desk.apply(event);
      }
    }
  }

  #take(event: Event): void {
    const { what } = event;
    if (what.type === 'AgentsChanged') void this.#reloadAgents();
    else if (what.type === 'ModelsChanged') void this.library.load();
    else if (what.type === 'SettingsChanged') {
      void this.#reloadSettings();
      // The default model is one of the settings.
      void this.library.load();
    }
    else if (what.type === 'Embedding') this.unembedded = what.remaining;
    else if (what.type === 'Failed') this.toasts.failed(what.error);
    else if (event.conversationId !== undefined) return;
    else if (what.type === 'TurnStarted') this.#mark(event.agentId, { runningTurnId: what.turn.id });
    else if (what.type === 'TurnEnded') this.#mark(event.agentId, { runningTurnId: null, lastMessageAtMs: event.atMs });
  }

  #mark(agentId: string | null, changes: Partial<AgentView>): void {
    this.agents = this.agents.map((agent) => (agent.id === agentId ? { ...agent, ...changes } : agent));
  }

  async #reloadAgents(): Promise<void> {
    const agents = await this.toasts.attempt(() => this.backend.request('listAgents', { deleted: false }));
    if (agents) this.agents = agents;
  }

  async #reloadSettings(): Promise<void> {
    const settings = await this.toasts.attempt(() => this.backend.request('getSettings', {}));
    if (!settings) return;
    this.settings = settings;
    this.layout.textPercent = settings.textPercent;
  }

  /** Ends the first start. */
  async begin(userName: string): Promise<void> {
    const agent = await this.backend.request('startProfile', { userName });
    if (this.profile) this.profile = { ...this.profile, firstStart: false, userName };
    await this.#reloadAgents();
    this.openAgent(agent.id);
  }

  async updateSettings(changes: Params<'updateSettings'>): Promise<void> {
    const settings = await this.toasts.attempt(() => this.backend.request('updateSettings', changes));
    if (!settings) return;
    this.settings = settings;
    this.layout.textPercent = settings.textPercent;
    if (changes.defaultModel !== undefined) await this.library.load();
    if (changes.userName !== undefined && this.profile) this.profile = { ...this.profile, userName: changes.userName };
  }

  async createAgent(params: Params<'createAgent'>): Promise<void> {
    const agent = await this.backend.request('createAgent', params);
    await this.#reloadAgents();
    this.openAgent(agent.id);
  }

  async updateAgent(params: Params<'updateAgent'>): Promise<void> {
    const changed = await this.backend.request('updateAgent', params);
    this.agents = this.agents.map((agent) => (agent.id === changed.id ? changed : agent));
    void this.#desks.get(changed.id)?.context.refresh();
  }

  async duplicateAgent(agent: AgentView): Promise<void> {
    const copy = await this.toasts.attempt(() =>
      this.backend.request('duplicateAgent', { agentId: agent.id, name: `${agent.name} copy` }),
    );
    if (!copy) return;
    await this.#reloadAgents();
    this.openAgent(copy.id);
  }

  /** Shows what is in agent files, one after the other; closes the last one where there are none. */
  arrive([file, ...rest]: readonly File[]): void {
    this.overlay = file ? { kind: 'arrival', file, rest } : null;
  }

  /** Shows agents that were brought in, and offers to send them to the bin again. */
  async welcome(agents: readonly AgentView[]): Promise<void> {
    await this.#reloadAgents();
    const [first] = agents;
    if (!first) return;
    this.openAgent(first.id);
    const words = agents.length === 1 ? `${first.name} is here.` : `${counted(agents.length, 'agent')} are here.`;
    this.toasts.undoable(words, async () => {
      for (const { id } of agents) await this.backend.request('deleteAgent', { agentId: id });
      await this.#loadAll();
    });
  }

  /** Moves an agent to the bin, and offers to take it out again. */
  async deleteAgent(agent: AgentView): Promise<void> {
    const done = await this.toasts.attempt(() => this.backend.request('deleteAgent', { agentId: agent.id }));
    if (!done) return;
    this.agents = this.agents.filter((other) => other.id !== agent.id);
    this.#desks.delete(agent.id);
    if (this.agentId === agent.id) {
      const next = this.listed[0];
      if (next) this.#seat(next.id);
      else {
        this.agentId = null;
        this.#desk = null;
      }
    }
    this.toasts.undoable(`${agent.name} is in the bin.`, async () => {
      await this.backend.request('restoreAgent', { agentId: agent.id });
      await this.#reloadAgents();
      this.openAgent(agent.id);
    });
  }
}

const KEY = Symbol('workspace');

export function provideWorkspace(workspace: Workspace): Workspace {
  return setContext(KEY, workspace);
}

export function useWorkspace(): Workspace {
  return getContext<Workspace>(KEY);
}
