import { screen, waitFor, within } from '@testing-library/svelte';
import { describe, expect, it } from 'vitest';

import { openApp } from '../../tests/app';
import { quietWorld, usualWorld } from '../backend/scripted/usual';
import { emptyWorld, messageOf, turnOf, type World } from '../backend/scripted/world';

const NOW = Date.now();
const composer = (): HTMLElement => screen.getByRole('textbox', { name: /^Message / });

describe('the first start', () => {
  it('asks for a name, and nothing else, before the first answer', async () => {
    const { user, backend } = await openApp(emptyWorld());
    expect(screen.getByText('I live on this computer, and what you tell me stays here.')).toBeVisible();
    expect(screen.getAllByRole('textbox')).toHaveLength(1);
    expect(screen.getAllByRole('button', { name: 'Begin' })).toHaveLength(1);
    expect(screen.getByRole('button', { name: 'Begin' })).toBeDisabled();

    await user.keyboard('Nick{Enter}');
    expect(await screen.findByText('Hello, Nick.')).toBeVisible();
    expect(backend.world.profile.userName).toBe('Nick');
    expect(within(screen.getByRole('region', { name: 'Conversation' })).getAllByRole('listitem')).toHaveLength(3);
    expect(screen.getByText(/This is a small demonstration model/)).toHaveTextContent('Qwen3 1.7B, 1.1 GB.');

    await user.click(screen.getByRole('button', { name: /Remember I prefer dark mode/ }));
    await user.type(composer(), '{Enter}');
    expect(await screen.findByText('Noted. I will keep that in mind.')).toBeVisible();
  });

  it('keeps the card and says why when the profile cannot be written', async () => {
    const { user, backend } = await openApp(emptyWorld());
    backend.failing.set('startProfile', { code: 'DiskFull', message: 'The disk is full. Nothing was lost.', hint: 'Make room.' });
    await user.keyboard('Nick{Enter}');
    expect(await screen.findByRole('alert')).toHaveTextContent('The disk is full. Nothing was lost.');
    expect(screen.getByRole('textbox')).toHaveValue('Nick');
  });
});

describe('a turn', () => {
  it('says what it waits for, streams, and ends as one message', async () => {
    const { user } = await openApp(quietWorld(NOW), { script: { pace: 8, answer: 'One **two** three four five.' } });
    await user.type(composer(), 'Hello there{Enter}');
    expect(await screen.findByText(/Reading [\d,]+ of 3,000 tokens/)).toBeVisible();
    expect(screen.getByRole('button', { name: 'Stop' })).toBeVisible();
    expect(composer()).toHaveValue('');
    await screen.findByText('two', { selector: 'strong' });
    await screen.findByRole('button', { name: 'Send' });
    expect(screen.getAllByRole('article', { name: 'Ada' })).toHaveLength(1);
    expect(screen.getByRole('article', { name: 'Ada' })).toHaveTextContent('One two three four five.');
    expect(screen.getByRole('status', { name: '' })).toBeInTheDocument();
  });

  it('shows a memory change where it happened, and undoes it', async () => {
    const { user, backend } = await openApp(quietWorld(NOW));
    await user.type(composer(), 'Remember that I drink tea.{Enter}');
    const card = await screen.findByRole('group', { name: 'Memory change' });
    expect(card).toHaveTextContent('Remembered in human');
    expect(card).toHaveTextContent('I drink tea.');
    const block = screen.getByRole('textbox', { name: 'Text of human' });
    await waitFor(() => expect(block).toHaveValue('Name: Nick\nI drink tea.'));

    await screen.findByRole('button', { name: 'Send' });
    await user.click(within(screen.getByRole('group', { name: 'Memory change' })).getByRole('button', { name: /^Undo/ }));
    expect(await within(screen.getByRole('group', { name: 'Memory change' })).findByText('Undone')).toBeVisible();
    await waitFor(() => expect(block).toHaveValue('Name: Nick'));
    expect(backend.world.blocks.find((candidate) => candidate.label === 'human')?.revision).toBe(3);
  });

  it('stops at Escape and offers Retry', async () => {
    const { user } = await openApp(quietWorld(NOW), { script: { pace: 20 } });
    await user.type(composer(), 'Write a long one{Enter}');
    await screen.findByRole('button', { name: 'Stop' });
    await user.keyboard('{Escape}');
    expect(await screen.findByText('You stopped this answer.')).toBeVisible();
    await user.click(screen.getByRole('button', { name: 'Retry' }));
    expect(await screen.findByRole('button', { name: 'Stop' })).toBeVisible();
    expect(screen.getAllByText('Write a long one')).toHaveLength(1);
  });

  it('ends with a sentence and a button when the model fails', async () => {
    const failure = { code: 'Model' as const, message: 'The model ended before it answered. Your message is saved.', hint: 'Load it again.' };
    const { user } = await openApp(quietWorld(NOW), { script: { pace: 1, failure } });
    await user.type(composer(), 'Hello{Enter}');
    const alert = await screen.findByRole('alert');
    expect(alert).toHaveTextContent(failure.message);
    expect(within(alert).getByRole('button', { name: 'Try again' })).toBeVisible();
  });

  it('keeps what was typed when it could not be sent', async () => {
    const { user, backend } = await openApp(quietWorld(NOW));
    backend.failing.set('sendMessage', { code: 'TooLong', message: 'The message does not fit into the window of 8,192 tokens.', hint: 'Shorten it.' });
    await user.type(composer(), 'Much too long{Enter}');
    expect(await screen.findByRole('alert')).toHaveTextContent('does not fit');
    expect(composer()).toHaveValue('Much too long');
    backend.failing.clear();
    await user.click(screen.getByRole('button', { name: 'Send again' }));
    await waitFor(() => expect(composer()).toHaveValue(''));
    expect(screen.queryByRole('alert')).toBeNull();
  });

  it('makes a new line at Shift Enter and sends nothing empty', async () => {
    const { user, backend } = await openApp(quietWorld(NOW));
    await user.type(composer(), '   {Enter}');
    expect(backend.world.turns).toHaveLength(0);
    await user.clear(composer());
    await user.type(composer(), 'one{Shift>}{Enter}{/Shift}two');
    expect(composer()).toHaveValue('one\ntwo');
  });
});

describe('a call that waits for the person', () => {
  function waitingWorld(): World {
    const world = quietWorld(NOW);
    const turn = turnOf(world.agents[0]!, NOW, { stopReason: 'requires_approval' });
    const call = { id: 'call-1', name: 'memory_insert', arguments: { label: 'human', new_str: 'Prefers tea.' } };
    world.turns.push(turn);
    world.messages.push(messageOf(turn, 1, 'User', 'Remember tea.'), messageOf(turn, 2, 'Assistant', '', { toolCalls: [call] }));
    return world;
  }

  it('shows what it would do and runs when it is allowed', async () => {
    const { user } = await openApp(waitingWorld());
    const card = await screen.findByRole('region', { name: 'Ada asks' });
    expect(card).toHaveTextContent('Ada asks before changing what is always in mind');
    expect(card).toHaveTextContent('Prefers tea.');
    await user.click(within(card).getByRole('button', { name: 'Allow' }));
    expect(await screen.findByText(/I hear you/)).toBeVisible();
    expect(screen.queryByRole('region', { name: 'Ada asks' })).toBeNull();
  });

  it('tells the agent why it is denied', async () => {
    const { user, backend } = await openApp(waitingWorld());
    const card = await screen.findByRole('region', { name: 'Ada asks' });
    await user.click(within(card).getByRole('button', { name: 'Deny' }));
    await user.type(within(card).getByRole('textbox', { name: 'Why not' }), 'not that block{Enter}');
    await waitFor(() => expect(backend.world.messages.some((message) => message.content === 'The user did not allow this call: not that block')).toBe(true));
  });
});

describe('messages', () => {
  it('are edited with the up arrow and sent anew, and what followed leaves', async () => {
    const { user } = await openApp(usualWorld(NOW));
    await screen.findByText('Remember I prefer dark mode.');
    await user.click(composer());
    await user.keyboard('{ArrowUp}');
    const editor = await screen.findByRole('textbox', { name: 'Edit your message' });
    expect(editor).toHaveValue('Remember I prefer dark mode.');
    await user.clear(editor);
    await user.type(editor, 'Tell me a story.{Enter}');
    expect(await screen.findByText('Tell me a story.')).toBeVisible();
    expect(screen.queryByText('Noted. I will keep to dark mode.')).toBeNull();
  });

  it('go to the bin with Undo for a while', async () => {
    const { user } = await openApp(usualWorld(NOW));
    const said = (await screen.findByText('What did I decide about Wednesdays?')).closest('article')!;
    await user.click(within(said).getByRole('button', { name: 'Delete' }));
    await waitFor(() => expect(screen.queryByText('What did I decide about Wednesdays?')).toBeNull());
    await user.click(within(screen.getByRole('region', { name: 'Notices' })).getByRole('button', { name: 'Undo' }));
    expect(await screen.findByText('What did I decide about Wednesdays?')).toBeVisible();
  });

  it('open links outside, only on a click', async () => {
    const { user, backend } = await openApp(quietWorld(NOW), { script: { pace: 1, answer: 'See [the page](https://example.com/a).' } });
    await user.type(composer(), 'Link{Enter}');
    await screen.findByRole('button', { name: 'Send' });
    expect(backend.opened).toEqual([]);
    await user.click(screen.getByRole('link', { name: 'the page' }));
    expect(backend.opened).toEqual(['https://example.com/a']);
  });

  it('are told to a screen reader once, when the answer is whole', async () => {
    const { user } = await openApp(quietWorld(NOW), { script: { pace: 2, answer: 'One two three four.' } });
    const spoken = document.querySelector('.chat > [role=status][aria-live=polite]');
    const heard: string[] = [];
    new MutationObserver(() => heard.push(spoken?.textContent ?? '')).observe(spoken!, { childList: true, characterData: true, subtree: true });
    await user.type(composer(), 'Hi{Enter}');
    await screen.findByRole('button', { name: 'Send' });
    await waitFor(() => expect(heard.at(-1)).toBe('Ada: One two three four.'));
    expect(heard).toEqual(['Ada is answering.', 'Ada: One two three four.']);
  });
});
