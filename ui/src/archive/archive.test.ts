import { screen, waitFor, within } from '@testing-library/svelte';
import { describe, expect, it } from 'vitest';

import { openApp, type OpenApp } from '../../tests/app';
import { quietWorld, usualWorld } from '../backend/scripted/usual';
import { tagsFrom } from './archive.svelte';

const NOW = Date.now();

async function openArchive(world = usualWorld(NOW)): Promise<OpenApp> {
  const app = await openApp(world);
  await screen.findByRole('textbox', { name: /^Message/ });
  await app.user.keyboard('{Control>}l{/Control}');
  await screen.findByRole('heading', { name: 'Saved for later' });
  return app;
}

describe('the archive', () => {
  it('finds by words and says why', async () => {
    const { user } = await openArchive();
    await user.type(screen.getByRole('searchbox'), 'landlord');
    expect(await screen.findByText('1 passage found')).toBeVisible();
    expect(screen.getByText('Found: has the word: landlord')).toBeVisible();
    await user.click(screen.getByRole('button', { name: 'Show all' }));
    expect(await screen.findByText('5 passages')).toBeVisible();
  });

  it('narrows by tag', async () => {
    const { user } = await openArchive();
    await user.click(await screen.findByRole('button', { name: 'home 2' }));
    expect(await screen.findByText('2 passages found')).toBeVisible();
    expect(screen.getByRole('button', { name: 'home 2' })).toHaveAttribute('aria-pressed', 'true');
  });

  it('teaches in one line when it is empty, and saves with the key', async () => {
    const { user, backend } = await openArchive(quietWorld(NOW));
    expect(await screen.findByText('What Ada saves for later will be here.')).toBeVisible();
    await user.keyboard('{Control>}s{/Control}');
    const form = await screen.findByRole('form', { name: 'Passage' });
    await user.type(within(form).getByRole('textbox', { name: 'Text' }), 'The bike is in the cellar.');
    await user.type(within(form).getByRole('textbox', { name: 'Tags' }), 'home, bike, home');
    await user.click(within(form).getByRole('button', { name: 'Save' }));
    expect(await screen.findByText('The bike is in the cellar.')).toBeVisible();
    expect(backend.world.passages[0]?.tags).toEqual(['home', 'bike']);
  });

  it('deletes many at once, with Undo', async () => {
    const { user } = await openArchive();
    const boxes = await screen.findAllByRole('checkbox', { name: 'Choose this passage' });
    await user.click(boxes[0]!);
    await user.click(boxes[1]!);
    expect(screen.getByText('2 passages chosen')).toBeVisible();
    const bulk = screen.getByText('2 passages chosen').parentElement!;
    await user.click(within(bulk).getByRole('button', { name: 'Delete' }));
    expect(await screen.findByText('3 passages')).toBeVisible();
    await user.click(within(screen.getByRole('region', { name: 'Notices' })).getByRole('button', { name: 'Undo' }));
    expect(await screen.findByText('5 passages')).toBeVisible();
  });

  it('leads to the message that a passage came from', async () => {
    const { user } = await openArchive();
    const passage = (await screen.findByText(/The spare key is with Marta/)).closest('article')!;
    await user.click(within(passage).getByRole('button', { name: 'Show the message it came from' }));
    await waitFor(() => expect(document.querySelector('.row.marked')).toHaveTextContent('Remember I prefer dark mode.'));
  });

  it('reads tags as they are typed', () => {
    expect(tagsFrom(' work, home ,, work')).toEqual(['work', 'home']);
    expect(tagsFrom('  ')).toEqual([]);
  });
});
