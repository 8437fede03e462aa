/**
 * What an agent of a file brings, in a line.
 */
import type { AgentInFile } from '../backend/generated';
import { counted } from '../format/numbers';

/** Empty where it brings nothing. */
export function brought(agent: AgentInFile): string {
  const parts: readonly (readonly [number, string])[] = [
    [agent.blocks.length, 'block'],
    [agent.messages, 'message'],
    [agent.conversations, 'conversation'],
    [agent.passages, 'passage'],
    [agent.tools, 'tool'],
  ];
  return parts.filter(([number]) => number > 0).map(([number, one]) => counted(number, one)).join(' · ');
}
