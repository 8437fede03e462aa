/**
 * Everything that belongs to one open agent: its conversation, blocks, archive and context window.
 */
import { Archive } from '../archive/archive.svelte';
import type { Backend } from '../backend/backend';
import type { Event } from '../backend/generated';
import { Conversation } from '../chat/conversation.svelte';
import { Blocks } from '../memory/blocks.svelte';
import { ContextWindow } from '../memory/context.svelte';
import { Steps } from '../memory/steps.svelte';

export class Desk {
  readonly conversation: Conversation;
  readonly blocks: Blocks;
  readonly archive: Archive;
  readonly context: ContextWindow;
  readonly steps: Steps;

  constructor(backend: Backend, readonly agentId: string) {
    this.conversation = new Conversation(backend, agentId);
    this.blocks = new Blocks(backend, agentId);
    this.archive = new Archive(backend, agentId);
    this.context = new ContextWindow(backend, agentId);
    this.steps = new Steps(backend, agentId);
  }

  /** Loads all that is shown at once. The archive waits until someone looks. */
  async load(): Promise<void> {
    await Promise.all([this.conversation.open(), this.blocks.load(), this.context.refresh(), this.steps.load()]);
    if (this.archive.state !== 'unloaded') await this.archive.load();
  }

  /** Takes in an event of this agent, or one that concerns all. */
  apply(event: Event): void {
    // A turn of another conversation, begun through the server, changes this agent's memory but is not said here.
    if (event.conversationId === undefined) this.conversation.apply(event);
    switch (event.what.type) {
      case 'MemoryChanged':
        if (event.what.change.what.type.startsWith('Block')) void this.blocks.load();
        else if (this.archive.state !== 'unloaded') this.archive.loadSoon();
        return;
      case 'BlocksChanged':
        void this.blocks.load();
        void this.context.refresh();
        return;
      case 'PassagesChanged':
        if (this.archive.state !== 'unloaded') this.archive.loadSoon();
        return;
      case 'StepEnded':
        this.steps.add(event.what.step);
        void this.context.refresh();
        return;
      case 'TurnEnded':
      case 'Compacted':
      case 'MessagesChanged':
      case 'ModelsChanged':
      case 'SettingsChanged':
        void this.context.refresh();
        return;
      case 'Gap':
      case 'TurnStarted':
      case 'MessageRecorded':
      case 'ModelLoading':
      case 'PromptReading':
      case 'Searching':
      case 'TextDelta':
      case 'ThoughtsDelta':
      case 'ToolCallDelta':
      case 'MemoryChangeMarked':
      case 'MemoryPressure':
      case 'Failed':
      case 'AgentsChanged':
      case 'GroupsChanged':
      case 'GroupSpeaking':
      case 'Embedding':
        return;
    }
  }
}
