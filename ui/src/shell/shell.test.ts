import { render, screen, waitFor, within } from '@testing-library/svelte';
import userEvent from '@testing-library/user-event';
import { describe, expect, it } from 'vitest';

import { menuItem, openApp } from '../../tests/app';
import App from '../App.svelte';
import { ScriptedBackend } from '../backend/scripted/scripted';
import { usualWorld } from '../backend/scripted/usual';
import { emptyWorld } from '../backend/scripted/world';
import { matching, type Command } from './commands';

const NOW = Date.now();
const ready = (): Promise<HTMLElement> => screen.findByRole('textbox', { name: /^Message/ });

describe('the palette', () => {
  it('is opened, filtered and used by the keyboard alone', async () => {
    const { user } = await openApp(usualWorld(NOW));
    await ready();
    await user.keyboard('{Control>}k{/Control}');
    const field = await screen.findByRole('combobox');
    await waitFor(() => expect(field).toHaveFocus());
    const options = (): HTMLElement[] => screen.getAllByRole('option');
    expect(options()[0]).toHaveAttribute('aria-selected', 'true');
    await user.keyboard('{ArrowDown}');
    expect(options()[1]).toHaveAttribute('aria-selected', 'true');
    expect(field).toHaveAttribute('aria-activedescendant', 'command-1');
    await user.keyboard('{ArrowUp}{ArrowUp}');
    expect(options().at(-1)).toHaveAttribute('aria-selected', 'true');
    await user.keyboard('mod');
    expect(options()[0]).toHaveTextContent('Models');
    await user.keyboard('{Enter}');
    expect(await screen.findByRole('heading', { name: 'Models' })).toBeVisible();
    expect(screen.queryByRole('combobox')).toBeNull();
  });

  it('says so when nothing matches, and closes at Escape', async () => {
    const { user } = await openApp(usualWorld(NOW));
    await ready();
    await user.keyboard('{Control>}k{/Control}');
    await user.type(await screen.findByRole('combobox'), 'zzz');
    expect(screen.getByText('Nothing is called that.')).toBeVisible();
    await user.keyboard('{Escape}');
    await waitFor(() => expect(screen.queryByRole('dialog')).toBeNull());
  });

  it('puts what begins with the typed word first', () => {
    const command = (words: string): Command => ({ id: words, group: 'Do', words, icon: (() => {}) as never, run: () => {} });
    expect(matching([command('Go to Settings'), command('Settings'), command('Other')], 'set').map(({ words }) => words)).toEqual(['Settings', 'Go to Settings']);
    expect(matching([command('New agent')], 'agent new')).toHaveLength(1);
  });
});

describe('keys', () => {
  it('open agents, panes and places', async () => {
    const { user } = await openApp(usualWorld(NOW));
    await ready();
    await user.keyboard('{Control>}3{/Control}');
    expect(await screen.findByRole('heading', { level: 1, name: 'Novel' })).toBeVisible();
    expect(screen.getByRole('complementary', { name: 'Inspector' })).toBeVisible();
    await user.keyboard('{Control>}i{/Control}');
    expect(screen.queryByRole('complementary', { name: 'Inspector' })).toBeNull();
    await user.keyboard('{Control>},{/Control}');
    expect(await screen.findByRole('heading', { name: 'Settings' })).toBeVisible();
    await user.keyboard('{Escape}');
    expect(await ready()).toBeVisible();
  });

  it('slide the inspector over where there is no room, and Escape closes it', async () => {
    const { user } = await openApp(usualWorld(NOW), { width: 800 });
    await ready();
    expect(screen.queryByRole('complementary', { name: 'Inspector' })).toBeNull();
    await user.keyboard('{Control>}i{/Control}');
    expect(screen.getByRole('complementary', { name: 'Inspector' })).toBeVisible();
    await user.keyboard('{Escape}');
    expect(screen.queryByRole('complementary', { name: 'Inspector' })).toBeNull();
  });
});

describe('agents', () => {
  it('are made from a name and a persona', async () => {
    const { user, backend } = await openApp(usualWorld(NOW));
    await ready();
    await user.keyboard('{Control>}n{/Control}');
    const form = await screen.findByRole('dialog', { name: 'New agent' });
    await user.type(within(form).getByRole('textbox', { name: 'Name' }), 'Cook');
    await user.type(within(form).getByRole('textbox', { name: 'Persona' }), 'I cook.');
    await user.click(within(form).getByRole('button', { name: 'Create' }));
    expect(await screen.findByRole('heading', { level: 1, name: 'Cook' })).toBeVisible();
    expect(backend.world.blocks.some((block) => block.value === 'I cook.')).toBe(true);
  });

  it('go to the bin with Undo', async () => {
    const { user } = await openApp(usualWorld(NOW));
    await ready();
    await user.click(screen.getByRole('button', { name: 'More about Work' }));
    await user.click(await menuItem(/^Delete$/));
    await waitFor(() => expect(screen.queryByRole('button', { name: 'Work' })).toBeNull());
    await user.click(within(screen.getByRole('region', { name: 'Notices' })).getByRole('button', { name: 'Undo' }));
    expect(await screen.findByRole('heading', { level: 1, name: 'Work' })).toBeVisible();
  });
});

describe('the stream of events', () => {
  it('loads everything afresh after a gap', async () => {
    const { backend } = await openApp(usualWorld(NOW));
    await ready();
    backend.world.agents[0]!.name = 'Ada Lovelace';
    backend.log.emit({ type: 'Gap' });
    expect(await screen.findByRole('heading', { level: 1, name: 'Ada Lovelace' })).toBeVisible();
  });
});

describe('a profile that cannot be opened', () => {
  const damaged = { code: 'Profile' as const, message: 'The database is damaged. It was not touched.', hint: 'Restore the newest backup.' };

  function failingBackend(): ScriptedBackend {
    const backend = new ScriptedBackend({ world: usualWorld(NOW) });
    backend.failing.set('getProfile', damaged);
    return backend;
  }

  it('says why and can be tried again', async () => {
    const backend = failingBackend();
    render(App, { props: { backend } });
    expect(await screen.findByRole('alert')).toHaveTextContent(damaged.message);
    backend.failing.clear();
    await userEvent.click(screen.getByRole('button', { name: 'Try again' }));
    expect(await ready()).toBeVisible();
  });
});

describe('privacy in words', () => {
  it('is Offline, Local, or the host that hears', async () => {
    const world = usualWorld(NOW);
    world.models.push({ ...world.models[0]!, handle: 'far/model', name: 'Far', remoteHost: 'api.example.com', isDefault: false, demonstration: false });
    const { user } = await openApp(world);
    await ready();
    const nav = within(screen.getByRole('navigation'));
    expect(nav.getByRole('button', { name: 'Offline' })).toBeVisible();
    await user.keyboard('{Control>},{/Control}');
    await user.click(await screen.findByRole('switch', { name: 'Offline' }));
    expect(await nav.findByRole('button', { name: 'Local' })).toBeVisible();
    await user.keyboard('{Control>}1{/Control}');
    await user.click(await screen.findByRole('button', { name: /SmolLM2 135M · on this computer/ }));
    await user.click(await menuItem(/^Far/));
    expect(await nav.findByRole('button', { name: 'Remote: api.example.com' })).toBeVisible();
    expect(screen.getByRole('button', { name: 'Far · at api.example.com' })).toBeVisible();
  });
});

describe('the bin', () => {
  it('gives back, and is emptied for good only after the word is typed', async () => {
    const world = usualWorld(NOW);
    world.passages[0]!.deletedAtMs = NOW;
    world.passages[1]!.deletedAtMs = NOW;
    const { user } = await openApp(world);
    await ready();
    await user.keyboard('{Control>},{/Control}');
    const bin = within(await screen.findByRole('region', { name: 'Bin' }));
    expect(await bin.findByText('2 things')).toBeVisible();
    await user.click(bin.getAllByRole('button', { name: /^Restore/ })[0]!);
    expect(await bin.findByText('1 thing')).toBeVisible();
    await user.click(bin.getByRole('button', { name: 'Empty the bin' }));
    expect(bin.getByRole('button', { name: 'Delete for good' })).toBeDisabled();
    await user.type(bin.getByRole('textbox'), 'empty');
    await user.click(bin.getByRole('button', { name: 'Delete for good' }));
    expect(await bin.findByText('The bin is empty')).toBeVisible();
  });
});

describe('an empty profile', () => {
  it('offers to make an agent when there is none', async () => {
    const world = emptyWorld();
    world.profile.firstStart = false;
    await openApp(world);
    expect(await screen.findByText(/There is no agent/)).toBeVisible();
  });
});
