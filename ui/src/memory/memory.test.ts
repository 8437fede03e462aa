import { screen, waitFor, within } from '@testing-library/svelte';
import { describe, expect, it } from 'vitest';

import { menuItem, openApp } from '../../tests/app';
import { tidiedWorld, usualWorld } from '../backend/scripted/usual';

const NOW = Date.now();
const editor = (label: string): Promise<HTMLElement> => screen.findByRole('textbox', { name: `Text of ${label}` });
const card = (label: string): HTMLElement => screen.getByRole('article', { name: `Block ${label}` });

describe('a block', () => {
  it('is saved when the focus leaves it', async () => {
    const { user, backend } = await openApp(usualWorld(NOW));
    const text = await editor('persona');
    await user.type(text, ' I like short words.');
    expect(within(card('persona')).getByText('Not saved yet')).toBeVisible();
    await user.click(screen.getByRole('textbox', { name: /^Message/ }));
    await waitFor(() => expect(backend.world.blocks.find((block) => block.label === 'persona')?.value).toMatch(/short words\.$/));
    await waitFor(() => expect(within(card('persona')).queryByText('Not saved yet')).toBeNull());
    expect(within(card('persona')).getByText(/Edited by you, now/)).toBeVisible();
  });

  it('goes back to what it was at Escape', async () => {
    const { user } = await openApp(usualWorld(NOW));
    const text = await editor('persona');
    await user.type(text, ' Never mind.{Escape}');
    expect(text).toHaveValue('I am concise, warm and exact. I say when I do not know.');
  });

  it('is not saved over its limit, and says by how much', async () => {
    const { user, backend } = await openApp(usualWorld(NOW));
    const rules = backend.world.blocks.find((block) => block.label === 'house_rules')!;
    const text = await editor('house_rules');
    await user.click(text);
    await user.paste('x'.repeat(rules.limitChars));
    expect(within(card('house_rules')).getByText(/28 characters over the limit\. Not saved\./)).toBeVisible();
    expect(within(card('house_rules')).getByRole('button', { name: 'Save' })).toBeDisabled();
    await user.click(screen.getByRole('textbox', { name: /^Message/ }));
    expect(rules.value).toBe('Never suggest buying things.');
    expect((text as HTMLTextAreaElement).value).toHaveLength(528);
  });

  it('asks whose text stays when the agent wrote meanwhile', async () => {
    const { user, backend } = await openApp(usualWorld(NOW));
    const block = backend.world.blocks.find((candidate) => candidate.label === 'persona')!;
    const text = await editor('persona');
    await user.type(text, ' Mine.');
    Object.assign(block, { value: 'Written by the agent.', revision: block.revision + 1 });
    await user.click(within(card('persona')).getByRole('button', { name: 'Save' }));
    expect(await within(card('persona')).findByRole('alert')).toHaveTextContent('was changed meanwhile');
    await user.click(within(card('persona')).getByRole('button', { name: 'Keep mine' }));
    await waitFor(() => expect(block.value).toMatch(/Mine\.$/));
  });

  it('shows who changed it, when and why, and undoes a revision', async () => {
    const { user, backend } = await openApp(usualWorld(NOW));
    await user.click(await screen.findByRole('button', { name: /Edited by Ada, \d min ago/ }));
    const history = await screen.findByRole('list', { name: 'History of human' });
    const [newest] = within(history).getAllByRole('listitem');
    expect(newest).toHaveTextContent('memory_insert');
    expect(newest).toHaveTextContent('Prefers dark mode.');
    expect(within(newest!).getByRole('button', { name: 'Source' })).toBeVisible();
    await user.click(within(newest!).getByRole('button', { name: 'Undo' }));
    await waitFor(() => expect(backend.world.blocks.find((block) => block.label === 'human')?.value).not.toMatch(/dark mode/));
    await waitFor(() => expect(within(history).getAllByRole('listitem')).toHaveLength(4));
    expect(await screen.findByText('Undone')).toBeVisible();
  });

  it('is made, and goes to the bin with Undo', async () => {
    const { user } = await openApp(usualWorld(NOW));
    await editor('human');
    await user.click(screen.getByRole('button', { name: 'Block' }));
    const form = screen.getByRole('form', { name: 'New block' });
    await user.type(within(form).getByRole('textbox', { name: 'Label' }), 'two words');
    await user.click(within(form).getByRole('button', { name: 'Add block' }));
    expect(await within(form).findByText(/A label has no spaces/)).toBeVisible();
    await user.clear(within(form).getByRole('textbox', { name: 'Label' }));
    await user.type(within(form).getByRole('textbox', { name: 'Label' }), 'garden');
    await user.click(within(form).getByRole('button', { name: 'Add block' }));
    await editor('garden');

    await user.click(screen.getByRole('button', { name: 'More about garden' }));
    await user.click(await menuItem(/^Delete$/));
    await waitFor(() => expect(screen.queryByRole('textbox', { name: 'Text of garden' })).toBeNull());
    await user.click(within(screen.getByRole('region', { name: 'Notices' })).getByRole('button', { name: 'Undo' }));
    await editor('garden');
  });
});

describe('what an agent did to its blocks', () => {
  it('is shown where it happened, and each is undone', async () => {
    const { user, backend } = await openApp(tidiedWorld(NOW));
    const labels = (): string[] => backend.world.blocks.filter((block) => block.deletedAtMs === null).map((block) => block.label);
    await user.click(await screen.findByRole('button', { name: /^3 memory changes/ }));
    const tidied = screen.getByRole('button', { name: /^3 memory changes/ }).parentElement!;
    expect(tidied).toHaveTextContent('Made the block books');
    expect(tidied).toHaveTextContent('Renamed plans to projects');
    expect(tidied).toHaveTextContent('Removed the block bergen_trip');
    for (const name of [/Undo: Made/, /Undo: Renamed/, /Undo: Removed/]) {
      await user.click(within(tidied).getByRole('button', { name }));
      await waitFor(() => expect(within(tidied).queryByRole('button', { name })).toBeNull());
    }
    expect(within(tidied).getAllByText('Undone')).toHaveLength(3);
    expect(labels()).toEqual(expect.arrayContaining(['plans', 'bergen_trip']));
    expect(labels()).not.toContain('books');
  });
});

describe('the context window', () => {
  it('opens to the text that each segment stands for, and compacts', async () => {
    const { user } = await openApp(usualWorld(NOW));
    await user.click(await screen.findByRole('button', { name: /^Context window, 1.2k of 8k tokens/ }));
    const view = await screen.findByRole('dialog', { name: 'In Ada\'s mind now' });
    await user.click(within(view).getByRole('button', { name: /Always in mind/ }));
    await user.click(within(view).getByRole('button', { name: /^projects/ }));
    expect(within(view).getByText(/Novel: second part, due in March\.\s+Move: keys/)).toBeVisible();
    await user.click(within(view).getByRole('button', { name: 'Compact now' }));
    expect(await within(view).findByText(/left the window/)).toBeVisible();
  });
});
