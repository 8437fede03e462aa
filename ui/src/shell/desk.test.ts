import { describe, expect, it } from 'vitest';

import { ScriptedBackend } from '../backend/scripted/scripted';
import { usualWorld } from '../backend/scripted/usual';
import type { MessageView } from '../backend/generated/MessageView';
import { Desk } from './desk';

describe('the desk of an agent', () => {
  it('shows what is said in its own thread and not what is said in other conversations', async () => {
    const backend = new ScriptedBackend({ world: usualWorld(0), script: { pace: 0 } });
    const [agent] = await backend.request('listAgents', { deleted: false });
    const desk = new Desk(backend, agent!.id);
    await desk.load();
    const { messages } = await backend.request('listMessages', { agentId: agent!.id, limit: 1 });
    const said = (id: string): MessageView => ({ ...messages[0]!, id, seq: 1_000_000, role: 'User', content: id });
    const event = { seq: 1, atMs: 0, agentId: agent!.id, turnId: 'run-1' };
    desk.apply({ ...event, conversationId: 'conv-1', what: { type: 'MessageRecorded', message: said('elsewhere') } });
    desk.apply({ ...event, what: { type: 'MessageRecorded', message: said('here') } });
    const texts = JSON.stringify(desk.conversation.entries);
    expect(texts).toContain('here');
    expect(texts).not.toContain('elsewhere');
  });
});
