/**
 * The words for things that the API names by code: actors, tools, places of memory. One word for an idea, everywhere.
 */
import type { Backend } from '../backend/backend';
import type { ProvenanceView } from '../backend/generated';

/** The computer that Resident runs on. A page in a browser cannot know whether that is the one it is shown on. */
export function computerOf(backend: Backend): string {
  return backend.connection ? 'the server’s computer' : 'this computer';
}

/** Who acted: `you`, the agent's name, or `Resident`. */
export function actor(provenance: ProvenanceView): string {
  switch (provenance.actor) {
    case 'User':
      return 'you';
    case 'Agent':
      return provenance.agentName ?? 'an agent that was deleted';
    case 'System':
      return 'Resident';
  }
}

/** `you` becomes `You`, at the start of a line. */
export function sentence(words: string): string {
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** What a tool does, in the past tense, as a line over its details. */
export function toolDone(name: string): string {
  switch (name) {
    case 'archival_memory_search':
      return 'Looked in what was saved for later';
    case 'archival_memory_insert':
      return 'Saved something for later';
    case 'archival_memory_replace':
      return 'Changed what was saved for later';
    case 'conversation_search':
    case 'conversation_search_date':
      return 'Looked through everything said';
    case 'core_memory_append':
    case 'core_memory_replace':
    case 'memory':
    case 'memory_insert':
    case 'memory_replace':
    case 'memory_rethink':
    case 'memory_apply_patch':
    case 'memory_finish_edits':
      return 'Changed what is always in mind';
    case 'send_message_to_agent_and_wait_for_reply':
      return 'Asked another agent';
    case 'send_message_to_agent_async':
      return 'Told another agent';
    case 'send_message_to_agents_matching_tags':
      return 'Asked other agents';
    case 'send_message_to_all_agents_in_group':
      return 'Asked the group';
    default:
      return `Used ${name}`;
  }
}

/** What a tool is doing, while its call is being written. */
export function toolDoing(name: string): string {
  switch (name) {
    case 'archival_memory_search':
      return 'Looking in what was saved for later';
    case 'archival_memory_insert':
      return 'Saving something for later';
    case 'archival_memory_replace':
      return 'Changing what was saved for later';
    case 'conversation_search':
    case 'conversation_search_date':
      return 'Looking through everything said';
    case 'core_memory_append':
    case 'core_memory_replace':
    case 'memory':
    case 'memory_insert':
    case 'memory_replace':
    case 'memory_rethink':
    case 'memory_apply_patch':
    case 'memory_finish_edits':
      return 'Changing what is always in mind';
    case 'send_message_to_agent_and_wait_for_reply':
      return 'Asking another agent';
    case 'send_message_to_agent_async':
      return 'Telling another agent';
    case 'send_message_to_agents_matching_tags':
      return 'Asking other agents';
    case 'send_message_to_all_agents_in_group':
      return 'Asking the group';
    default:
      return `Using ${name}`;
  }
}

/** Whether a tool writes to memory, so that a change card stands beside its call. */
export function writesMemory(name: string): boolean {
  return (
    name.startsWith('core_memory_') ||
    name === 'memory' ||
    name.startsWith('memory_') ||
    name === 'archival_memory_insert' ||
    name === 'archival_memory_replace'
  );
}
