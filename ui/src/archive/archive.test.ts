import { fireEvent, screen, waitFor, within } from '@testing-library/svelte';
import { describe, expect, it } from 'vitest';

import { openApp, type OpenApp } from '../../tests/app';
import { quietWorld, usualWorld } from '../backend/scripted/usual';
import { DAY } from '../backend/scripted/world';
import { isoDay } from '../format/times';
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
    expect(await screen.findByText('6 passages')).toBeVisible();
  });

  it('narrows by tag', async () => {
    const { user } = await openArchive();
    await user.click(await screen.findByRole('button', { name: /^home \d/ }));
    expect(await screen.findByText('3 passages found')).toBeVisible();
    expect(screen.getByRole('button', { name: /^home \d/ })).toHaveAttribute('aria-pressed', 'true');
  });

  it('teaches in one line when it is empty, and saves with the key', async () => {
    const { user, backend } = await openArchive(quietWorld(NOW));
    expect(await screen.findByText(/^What Ada saves for later will be here/)).toBeVisible();
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
    expect(await screen.findByText('4 passages')).toBeVisible();
    await user.click(within(screen.getByRole('region', { name: 'Notices' })).getByRole('button', { name: 'Undo' }));
    expect(await screen.findByText('6 passages')).toBeVisible();
  });

  it('shows what was true on another day, and says what is no longer', async () => {
    const { user } = await openArchive();
    await screen.findByText('6 passages');
    expect(screen.queryByText(/open on Saturdays/)).toBeNull();
    await user.click(screen.getByRole('button', { name: 'As of today' }));
    await fireEvent.change(screen.getByLabelText('What was true at the end of'), { target: { value: isoDay(NOW - 30 * DAY) } });
    expect(await screen.findByText('1 passage found')).toBeVisible();
    const old = screen.getByText('The market by the station is open on Saturdays.').closest('article')!;
    expect(old).toHaveTextContent(/Superseded since \d/);
    await user.click(screen.getByRole('button', { name: 'Show all' }));
    expect(await screen.findByRole('button', { name: 'As of today' })).toBeVisible();
  });

  it('leads to the message that a passage came from', async () => {
    const { user } = await openArchive();
    const passage = (await screen.findByText(/The spare key is with Marta/)).closest('article')!;
    await user.click(within(passage).getByRole('button', { name: 'Show the message it came from' }));
    await waitFor(() => expect(document.querySelector('.row.marked')).toHaveTextContent('Remember I prefer dark mode.'));
  });

  it('takes in documents that are picked or dropped, and takes them back', async () => {
    const { user, backend } = await openArchive(quietWorld(NOW));
    await user.upload(await screen.findByLabelText('Documents to add'), new File(['The lease runs until May.'], 'lease.md'));
    expect(await screen.findByText('The lease runs until May.')).toBeVisible();
    expect(backend.world.passages[0]).toMatchObject({ document: 'lease.md', tags: ['lease.md'] });
    expect(screen.getByRole('button', { name: 'lease.md' })).toBeVisible();

    const files = [new File(['One.'], 'one.txt'), new File(['word '.repeat(500)], 'two.txt')];
    await fireEvent.drop(screen.getByRole('group', { name: /saved for later/ }), { dataTransfer: { types: ['Files'], files } });
    const notices = screen.getByRole('region', { name: 'Notices' });
    expect(await within(notices).findByText('2 documents are saved as 4 passages.')).toBeVisible();
    await user.click(within(notices).getAllByRole('button', { name: 'Undo' }).at(-1)!);
    expect(await screen.findByText('1 passage')).toBeVisible();
  });

  it('says of each document why it was not saved', async () => {
    const { user, backend } = await openArchive(quietWorld(NOW));
    const large = new File(['x'], 'large.txt');
    Object.defineProperty(large, 'size', { value: 12_000_000 });
    const files = [
      new File([new Uint8Array([0xff, 0xfe, 0x00])], 'photo.txt'),
      new File([' \n'], 'blank.txt'),
      large,
      new File(['Good.'], 'good.txt'),
    ];
    await user.upload(await screen.findByLabelText('Documents to add'), files);
    await waitFor(() => expect(screen.getByRole('alert')).toHaveTextContent('3 documents were not saved.'));
    const note = screen.getByRole('alert');
    expect(note).toHaveTextContent('photo.txt It is not a text in UTF-8.');
    expect(note).toHaveTextContent('blank.txt It is empty, or a folder.');
    expect(note).toHaveTextContent('large.txt It is larger than 8 MB.');
    await waitFor(() => expect(backend.world.passages.map((passage) => passage.document)).toEqual(['good.txt']));
    await user.click(within(note).getByRole('button', { name: 'Close' }));
    expect(screen.queryByRole('alert')).toBeNull();
  });

  it('reads tags as they are typed', () => {
    expect(tagsFrom(' work, home ,, work')).toEqual(['work', 'home']);
    expect(tagsFrom('  ')).toEqual([]);
  });
});
