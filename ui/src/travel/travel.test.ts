import { fireEvent, render, screen, waitFor, within } from '@testing-library/svelte';
import userEvent from '@testing-library/user-event';
import { beforeEach, describe, expect, it, vi } from 'vitest';

import { violations } from '../../tests/axe';
import App from '../App.svelte';
import type { AgentFilePreview, AgentInFile } from '../backend/generated';
import { ScriptedBackend } from '../backend/scripted/scripted';
import { usualWorld } from '../backend/scripted/usual';

const NOW = Date.now();

beforeEach(() => vi.stubGlobal('innerWidth', 1440));

function agentInFile(name: string, changes: Partial<AgentInFile> = {}): AgentInFile {
  return {
    name, kind: 'letta_v1_agent', description: null, model: 'openai/gpt-4o', messages: 24, conversations: 0, passages: 3, tools: 2,
    blocks: [{ label: 'human', chars: 120, readOnly: false }],
    ...changes,
  };
}

function fileOf(preview: Partial<AgentFilePreview>, name = 'evie.af'): File {
  const whole: AgentFilePreview = {
    form: 'Current', agents: [agentInFile('Evie')], tools: [], folders: [], groups: [], servers: [], skills: [], notices: [],
    ...preview,
  };
  return new File([JSON.stringify(whole)], name, { type: 'application/json' });
}

async function open(): Promise<ScriptedBackend> {
  const backend = new ScriptedBackend({ world: usualWorld(NOW) });
  render(App, { props: { backend } });
  await screen.findByRole('textbox', { name: /^Message/ });
  return backend;
}

async function drop(file: File): Promise<HTMLElement> {
  await fireEvent.drop(document.body, { dataTransfer: { types: ['Files'], files: [file] } });
  return screen.findByRole('dialog');
}

describe('an agent file that is dropped on the window', () => {
  it('is shown before anything changes, and comes in under the name that is typed', async () => {
    const backend = await open();
    const before = backend.world.agents.length;
    const card = await drop(fileOf({
      tools: [
        { name: 'memory_insert', description: '', runsHere: true, attached: true },
        { name: 'send_email', description: '', runsHere: false, attached: true },
      ],
      notices: [{ kind: 'NotAdopted', place: 'agents[0].secrets', text: 'The secret of a tool is left out.' }],
    }));
    expect(await within(card).findByRole('heading', { name: 'Bring in Evie?' })).toBeVisible();
    expect(card).toHaveTextContent('1 block · 24 messages · 3 passages · 2 tools');
    expect(card).toHaveTextContent(/Tools not run here\s*send_email/);
    expect(card).toHaveTextContent(/Model\s*openai\/gpt-4o/);
    expect(backend.world.agents).toHaveLength(before);
    expect(await violations()).toEqual([]);
    const name = within(card).getByRole('textbox', { name: 'Name' });
    await userEvent.clear(name);
    await userEvent.type(name, 'Evie at home');
    await userEvent.click(within(card).getByRole('button', { name: 'Bring in' }));
    expect(await screen.findByText('Evie at home is here.')).toBeVisible();
    expect(screen.queryByRole('dialog')).toBeNull();
    expect(backend.world.agents.at(-1)?.name).toBe('Evie at home');
    await userEvent.click(screen.getByRole('button', { name: 'Undo' }));
    await waitFor(() => expect(backend.world.agents.at(-1)?.deletedAtMs).not.toBeNull());
  });

  it('is answered by the keyboard alone', async () => {
    const backend = await open();
    const before = backend.world.agents.length;
    const card = await drop(fileOf({}));
    const name = await within(card).findByRole('textbox', { name: 'Name' });
    await waitFor(() => expect(name).toHaveFocus());
    await userEvent.keyboard('{Escape}');
    await waitFor(() => expect(screen.queryByRole('dialog')).toBeNull());
    expect(backend.world.agents).toHaveLength(before);
    const several = await drop(fileOf({ agents: [agentInFile('Evie'), agentInFile('Her memory')] }));
    const enter = await within(several).findByRole('button', { name: 'Bring in' });
    await waitFor(() => expect(enter).toHaveFocus());
    await userEvent.keyboard('{Enter}');
    expect(await screen.findByText('2 agents are here.')).toBeVisible();
  });

  it('comes one after the other where several are dropped', async () => {
    const backend = await open();
    await fireEvent.drop(document.body, {
      dataTransfer: { types: ['Files'], files: [fileOf({}), fileOf({ agents: [agentInFile('Juno')] }, 'juno.af'), fileOf({ agents: [agentInFile('Rho')] }, 'rho.af')] },
    });
    const card = (): HTMLElement => screen.getByRole('dialog');
    expect(await screen.findByRole('heading', { name: 'Bring in Evie?' })).toBeVisible();
    expect(card()).toHaveTextContent('evie.af, and 2 files after it');
    await userEvent.click(within(card()).getByRole('button', { name: 'Bring in' }));
    expect(await screen.findByRole('heading', { name: 'Bring in Juno?' })).toBeVisible();
    await userEvent.click(within(card()).getByRole('button', { name: 'Skip' }));
    expect(await screen.findByRole('heading', { name: 'Bring in Rho?' })).toBeVisible();
    await userEvent.click(within(card()).getByRole('button', { name: 'Bring in' }));
    await waitFor(() => expect(screen.queryByRole('dialog')).toBeNull());
    expect(backend.world.agents.slice(-2).map((agent) => agent.name)).toEqual(['Evie', 'Rho']);
  });

  it('is asked for while it is over the window, and no longer when it leaves', async () => {
    await open();
    const dataTransfer = { types: ['Files'], files: [] };
    const words = 'Drop an agent’s file to see what is in it';
    await fireEvent.dragEnter(document.body, { dataTransfer });
    expect(screen.getByText(words)).toBeVisible();
    await fireEvent.dragLeave(document.body, { dataTransfer });
    expect(screen.queryByText(words)).toBeNull();
    await fireEvent.dragEnter(document.body, { dataTransfer: { types: ['text/plain'], files: [] } });
    expect(screen.queryByText(words)).toBeNull();
  });

  it('says once what is so in many places, and folds what is long', async () => {
    await open();
    const card = await drop(fileOf({
      agents: Array.from({ length: 30 }, (_, at) => agentInFile(`Clerk ${at}`)),
      tools: Array.from({ length: 200 }, (_, at) => ({ name: `tool_${at}`, description: '', runsHere: false, attached: true })),
      notices: [
        ...Array.from({ length: 30 }, (_, at) => ({ kind: 'Secret' as const, place: `agents[${at}]`, text: 'A key is left out.' })),
        ...Array.from({ length: 300 }, (_, at) => ({ kind: 'Inert' as const, place: `tools[${at}]`, text: `tool_${at} is not run here.` })),
      ],
    }));
    expect(await within(card).findByText('A key is left out.')).toBeVisible();
    expect(card).toHaveTextContent('agents[0] and 29 more');
    expect(within(card).queryByText('Clerk 6')).toBeNull();
    await userEvent.click(within(card).getByRole('button', { name: '24 more' }));
    expect(within(card).getByText('Clerk 29')).toBeVisible();
    await userEvent.click(within(card).getByRole('button', { name: 'and 192 more' }));
    expect(card).toHaveTextContent('tool_199');
    await userEvent.click(within(card).getByText('Comes in and does nothing here'));
    await userEvent.click(within(card).getByRole('button', { name: '280 more' }));
    expect(within(card).getByText('tool_299 is not run here.')).toBeVisible();
    expect(await violations()).toEqual([]);
  });

  it('opens what looks like a trick at once', async () => {
    await open();
    const card = await drop(fileOf({
      notices: [{ kind: 'HiddenText', place: 'agents[0].system', text: '14 characters of the instructions cannot be seen.' }],
    }));
    expect(await within(card).findByText('14 characters of the instructions cannot be seen.')).toBeVisible();
    expect(within(card).getByText('Characters that cannot be seen')).toBeVisible();
  });

  it('brings several agents in together', async () => {
    const backend = await open();
    const card = await drop(fileOf({ agents: [agentInFile('Evie'), agentInFile('Her memory')] }));
    expect(await within(card).findByRole('heading', { name: 'Bring in 2 agents?' })).toBeVisible();
    expect(within(card).queryByRole('textbox', { name: 'Name' })).toBeNull();
    await userEvent.click(within(card).getByRole('button', { name: 'Bring in' }));
    expect(await screen.findByText('2 agents are here.')).toBeVisible();
    expect(backend.world.agents.slice(-2).map((agent) => agent.name)).toEqual(['Evie', 'Her memory']);
  });

  it('says what is wrong with a file that is none', async () => {
    const backend = await open();
    const before = backend.world.agents.length;
    const card = await drop(new File(['no json'], 'notes.txt'));
    expect(await within(card).findByText(/not valid JSON at line 1/)).toBeVisible();
    expect(within(card).getByText('Nothing was changed.')).toBeVisible();
    expect(within(card).queryByRole('button', { name: 'Bring in' })).toBeNull();
    expect(backend.world.agents).toHaveLength(before);
  });

  it('is not taken for a document where the archive is open', async () => {
    const backend = await open();
    await userEvent.click(screen.getByRole('button', { name: 'Archive' }));
    const pane = await screen.findByRole('group', { name: /saved for later/ });
    const before = backend.world.passages.length;
    await fireEvent.drop(pane, { dataTransfer: { types: ['Files'], files: [fileOf({})] } });
    expect(await screen.findByRole('heading', { name: 'Bring in Evie?' })).toBeVisible();
    expect(backend.world.passages).toHaveLength(before);
  });
});

describe('an agent on its way out', () => {
  it('goes into one file with others that are chosen', async () => {
    const backend = await open();
    const [agent, other] = backend.world.agents;
    const request = vi.spyOn(backend, 'request');
    await userEvent.keyboard('{Control>}k{/Control}');
    await userEvent.type(await screen.findByRole('combobox'), 'with you{Enter}');
    const card = await screen.findByRole('dialog', { name: `Take ${agent?.name} with you` });
    await userEvent.click(within(card).getByText('Other agents in the same file'));
    await userEvent.click(within(card).getByRole('checkbox', { name: other?.name ?? '' }));
    expect(await violations()).toEqual([]);
    await userEvent.click(within(card).getByRole('button', { name: 'Save…' }));
    await waitFor(() => expect(request).toHaveBeenCalledWith('exportAgents', { agentIds: [agent?.id, other?.id], withoutMessages: false }));
  });

  it('is saved as a file, or its conversation as text', async () => {
    const backend = await open();
    const agent = backend.world.agents[0];
    await userEvent.keyboard('{Control>}k{/Control}');
    await userEvent.type(await screen.findByRole('combobox'), 'with you{Enter}');
    const card = await screen.findByRole('dialog', { name: `Take ${agent?.name} with you` });
    expect(await violations()).toEqual([]);
    await userEvent.click(within(card).getByRole('radio', { name: /^The conversation as text/ }));
    await userEvent.click(within(card).getByRole('button', { name: 'Save…' }));
    await waitFor(() => expect(backend.saved.map((file) => file.fileName)).toEqual([`${agent?.name}.md`]));
    expect(await screen.findByText(`${agent?.name} is saved as ${agent?.name}.md.`)).toBeVisible();
  });
});
