/**
 * The context window of a scripted agent, of about the size of its texts.
 */
import type { AgentView, ContextView } from '../generated';
import type { World } from './world';

/** A context window of about the size of its texts. */
export function contextOf(world: World, agent: AgentView): ContextView {
  const tokens = (text: string): number => Math.ceil(text.length / 4);
  const blocks = world.blocks.filter((block) => block.agentIds.includes(agent.id) && block.deletedAtMs === null);
  const inWindow = world.messages.filter((message) => message.agentId === agent.id && message.inWindow).slice(-80);
  const evicted = world.messages.some((message) => message.agentId === agent.id && !message.inWindow);
  const tools = agent.tools.map((name) => `{"name": "${name}", "description": "…", "parameters": {"type": "object"}}`);
  const parts: ContextView['parts'] = [
    { kind: 'Instructions', label: 'instructions', text: agent.system, tokens: 186 },
    ...tools.map((text, at) => ({ kind: 'Tools' as const, label: agent.tools[at] ?? '', text, tokens: 74 })),
    ...blocks.map((block) => ({ kind: 'Core' as const, label: block.label, text: block.value, tokens: tokens(block.value) + 12 })),
    ...(evicted
      ? [{ kind: 'Summary' as const, label: 'summary', text: 'They talked about the move, the novel’s second part and the trip to Bergen. The user decided to keep Wednesdays free.', tokens: 240 }]
      : []),
    ...inWindow.map((message) => ({ kind: 'Message' as const, label: message.role.toLowerCase(), text: message.content, tokens: tokens(message.content) + 6 })),
  ];
  const usedTokens = parts.reduce((sum, part) => sum + part.tokens, 0);
  return {
    model: 'SmolLM2 135M',
    usedTokens,
    windowTokens: 8192,
    pressureTokens: Math.round((8192 * world.settings.pressurePercent) / 100),
    compactionTokens: Math.round((8192 * world.settings.compactionPercent) / 100),
    parts,
    recallMessages: world.messages.filter((message) => message.agentId === agent.id).length,
    archivalPassages: world.passages.filter((passage) => passage.agentId === agent.id).length,
  };
}
