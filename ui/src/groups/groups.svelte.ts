/**
 * The groups of a profile: those that talk, those that tidy memory, and the talks that were opened.
 */
import type { Backend, Params } from '../backend/backend';
import type { Event, GroupView } from '../backend/generated';
import { membersOf } from './people';
import { Talk } from './talk.svelte';

export class Groups {
  list = $state.raw<readonly GroupView[]>([]);
  #talks = new Map<string, Talk>();
  #loads = 0;
  #reloading: Promise<void> | null = null;
  #again = false;

  constructor(
    private readonly backend: Backend,
    private readonly runningTurn: (agentId: string) => string | null,
    private readonly onfailure: (thrown: unknown) => void,
  ) {}

  /** Those that a person can talk in. */
  get talking(): readonly GroupView[] {
    return this.list.filter((group) => group.kind !== 'Sleeptime');
  }

  of(groupId: string | null): GroupView | undefined {
    return this.list.find((group) => group.id === groupId);
  }

  /** The group that tidies the memory of an agent. */
  tidying(agentId: string): GroupView | undefined {
    return this.list.find((group) => group.kind === 'Sleeptime' && group.managerId === agentId);
  }

  /** Whether an agent does nothing but tidy the memory of another. */
  onlyTidies(agentId: string): boolean {
    const groups = this.list.filter((group) => membersOf(group).includes(agentId));
    return groups.length > 0 && groups.every((group) => group.kind === 'Sleeptime' && group.managerId !== agentId);
  }

  async load(): Promise<void> {
    this.#loads += 1;
    try {
      this.list = await this.backend.request('listGroups', {});
    } finally {
      this.#loads -= 1;
    }
  }

  /** Loads everything afresh; what is being written to a group stays. */
  async reset(): Promise<void> {
    const drafts = [...this.#talks.values()].map((talk) => [talk.groupId, talk.draft] as const);
    this.#talks.clear();
    await this.load();
    for (const [id, draft] of drafts) if (draft !== '' && this.of(id)) this.talk(id).draft = draft;
  }

  /** The talk of a group, loaded when it is first asked for. */
  talk(groupId: string): Talk {
    let talk = this.#talks.get(groupId);
    if (!talk) {
      talk = new Talk(this.backend, groupId, () => this.of(groupId), this.runningTurn);
      this.#talks.set(groupId, talk);
      void talk.open();
    }
    return talk;
  }

  /** Takes in an event. */
  apply(event: Event): void {
    const { what } = event;
    if (what.type === 'GroupSpeaking') this.#speaking(what.groupId, what.running, what.agentId);
    else if (what.type === 'GroupsChanged') this.#reload();
    // A turn more that was not looked at.
    else if (what.type === 'TurnEnded' && this.tidying(what.turn.agentId)) this.#reload();
    for (const talk of this.#talks.values()) talk.apply(event);
  }

  #speaking(groupId: string, running: boolean, speakingId: string | null): void {
    this.list = this.list.map((group) => (group.id === groupId ? { ...group, running, speakingId } : group));
    // What is on its way may be from before.
    if (!running || this.#loads > 0) this.#reload();
  }

  /** Reads the list anew, once for however many ask meanwhile. */
  #reload(): void {
    if (this.#reloading) {
      this.#again = true;
      return;
    }
    this.#reloading = this.load()
      .catch(this.onfailure)
      .finally(() => {
        this.#reloading = null;
        if (!this.#again) return;
        this.#again = false;
        this.#reload();
      });
  }

  async create(params: Params<'createGroup'>): Promise<GroupView> {
    const group = await this.backend.request('createGroup', params);
    await this.load();
    return group;
  }

  async update(params: Params<'updateGroup'>): Promise<void> {
    await this.backend.request('updateGroup', params);
    await this.load();
  }

  /** Takes a group apart; its agents and what they said stay. */
  async remove(groupId: string): Promise<void> {
    await this.backend.request('deleteGroup', { groupId });
    this.list = this.list.filter((group) => group.id !== groupId);
    this.#talks.delete(groupId);
  }

  /** Has the memory of an agent tidied in the background, or no longer. */
  async setSleeptime(agentId: string, enabled: boolean, everyTurns?: number): Promise<void> {
    const often = everyTurns === undefined ? {} : { everyTurns };
    await this.backend.request('setSleeptime', { agentId, enabled, ...often });
    await this.load();
  }

  /** Has memory tidied now; the events say how it goes. */
  async tidyNow(groupId: string): Promise<void> {
    await this.backend.request('tidyNow', { groupId });
  }

  async stop(groupId: string): Promise<void> {
    await this.backend.request('cancelGroup', { groupId });
  }
}
