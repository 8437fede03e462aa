import { screen, waitFor, within } from '@testing-library/svelte';
import { describe, expect, it } from 'vitest';

import { menuItem, openApp, type OpenApp } from '../../tests/app';
import { companyWorld, crowdedWorld } from '../backend/scripted/company';
import { usualWorld } from '../backend/scripted/usual';
import type { World } from '../backend/scripted/world';

const NOW = Date.now();
const navigation = () => within(screen.getByRole('navigation'));
const composer = (): Promise<HTMLElement> => screen.findByRole('textbox', { name: /^Message/ });
const article = (text: string): HTMLElement => screen.getByText(text).closest('article')!;

async function openGarden(world: World = companyWorld(NOW), pace = 1): Promise<OpenApp> {
  const app = await openApp(world, { script: { pace } });
  await app.user.click(await screen.findByRole('button', { name: 'The kitchen garden' }));
  await screen.findByRole('heading', { level: 1, name: 'The kitchen garden' });
  return app;
}

describe('who said what', () => {
  it('shows what another agent said under its name, and leads to it', async () => {
    const { user } = await openApp(companyWorld(NOW));
    await composer();
    await user.click(navigation().getByRole('button', { name: 'Ida' }));
    await screen.findByText('When is the last frost, as a rule?');
    const asked = article('When is the last frost, as a rule?');
    expect(asked).toHaveAccessibleName(/^Bo, /);
    expect(within(asked).queryByRole('button', { name: 'Edit and send again' })).toBeNull();
    await user.click(within(asked).getByRole('button', { name: 'Bo' }));
    expect(await screen.findByRole('heading', { level: 1, name: 'Bo' })).toBeVisible();
  });

  it('names one that is gone as it was named, or calls it an agent', async () => {
    const world = companyWorld(NOW);
    const bo = world.agents.find((agent) => agent.name === 'Bo')!;
    world.agents = world.agents.filter((agent) => agent !== bo);
    for (const message of world.messages) if (message.content === 'Not the same place twice, please. The bed by the path is free.') message.name = null;
    const { user } = await openApp(world);
    await composer();
    await user.click(navigation().getByRole('button', { name: 'Ida' }));
    await screen.findByText('When is the last frost, as a rule?');
    expect(article('When is the last frost, as a rule?')).toHaveAccessibleName(/^Bo, /);
    expect(article('Not the same place twice, please. The bed by the path is free.')).toHaveAccessibleName(/^An agent, /);
  });

  it('leads from what was said in a group to the group', async () => {
    const { user } = await openApp(companyWorld(NOW));
    await composer();
    await user.click(navigation().getByRole('button', { name: 'Ida' }));
    await screen.findByText('Good. And where?');
    const said = article('Good. And where?');
    expect(within(said).queryByRole('button', { name: 'Edit and send again' })).toBeNull();
    await user.click(within(said).getByRole('button', { name: 'Said in the group The kitchen garden' }));
    expect(await screen.findByRole('heading', { level: 1, name: 'The kitchen garden' })).toBeVisible();
  });

  it('lets the arrow edit only the person’s own word to the agent', async () => {
    const { user } = await openApp(companyWorld(NOW));
    await composer();
    await user.click(navigation().getByRole('button', { name: 'Ida' }));
    await screen.findByText('Good. And where?');
    await user.click(await composer());
    await user.keyboard('{ArrowUp}');
    expect(await screen.findByRole('textbox', { name: 'Edit your message' })).toHaveValue('Which beans did we have last year?');
  });

  it('folds notes to the agent', async () => {
    const { user } = await openApp(companyWorld(NOW));
    await composer();
    await user.click(navigation().getByRole('button', { name: 'Ida' }));
    const notes = await screen.findAllByRole('button', { name: 'Resident told the agent who it talks with.' });
    expect(screen.queryByText(/another agent of the user/)).toBeNull();
    await user.click(notes.at(-1)!);
    expect(screen.getByText(/another agent of the user/)).toBeVisible();
  });
});

describe('a shared block', () => {
  it('says with whom, who wrote it last, and leads there', async () => {
    const { user } = await openApp(companyWorld(NOW));
    const card = await screen.findByRole('article', { name: 'Block garden' });
    expect(card).toHaveTextContent('Shared with Ida and Bo');
    expect(card).toHaveTextContent(/Edited by B? ?Bo, /);
    await user.click(within(card).getByRole('button', { name: 'Bo' }));
    expect(await screen.findByRole('heading', { level: 1, name: 'Bo' })).toBeVisible();
    expect(await screen.findByRole('article', { name: 'Block garden' })).toHaveTextContent('Shared with Ada and Ida');
  });

  it('counts those that it does not name, and shows all of them on a click', async () => {
    const { user } = await openApp(crowdedWorld(NOW));
    const card = await screen.findByRole('article', { name: 'Block human' });
    await user.click(within(card).getByRole('button', { name: '47 others' }));
    expect(within(card).getAllByRole('switch')).toHaveLength(50);
  });
});

describe('the sidebar', () => {
  it('has no groups where there are none, and leaves out those that only tidy', async () => {
    const { backend } = await openApp(usualWorld(NOW));
    await composer();
    expect(navigation().queryByRole('list', { name: 'Groups' })).toBeNull();
    expect(backend.world.groups).toHaveLength(0);
  });

  it('has those that talk, and no agent that only tidies', async () => {
    const { user } = await openApp(companyWorld(NOW));
    await composer();
    const names = (list: string) => within(navigation().getByRole('list', { name: list })).getAllByRole('listitem').map((item) => item.textContent.trim().slice(1).trim());
    expect(names('Groups')).toEqual(['The kitchen garden', 'Plan the trip to Bergen']);
    expect(names('Agents').slice(0, 4)).toEqual(['Ada', 'Ida', 'Bo', 'Mona']);
    expect(navigation().queryByRole('button', { name: 'Ada-sleeptime' })).toBeNull();
    await user.keyboard('{Control>}5{/Control}');
    expect(screen.getByRole('heading', { level: 1, name: 'Ada' })).toBeVisible();
  });
});

describe('a talk', () => {
  it('shows each thing said once, under the name of whoever said it, and who does what', async () => {
    await openGarden();
    await screen.findByText('What shall we sow this month?');
    expect(screen.getAllByText('What shall we sow this month?')).toHaveLength(1);
    expect(article('Along the south wall, where the beans were.')).toHaveAccessibleName(/^Ida, /);
    expect(article('Not the same place twice, please. The bed by the path is free.')).toHaveAccessibleName(/^Bo, /);
    const members = within(screen.getByRole('group', { name: 'Who is in it' }));
    expect(members.getAllByRole('button').map((button) => button.textContent.replace(/\s+/g, ' ').trim())).toEqual(['I Ida speaks', 'B Bo speaks']);
  });

  it('goes on while each speaks in turn, and says who has the word', async () => {
    const { user, backend } = await openGarden(companyWorld(NOW), 12);
    await user.type(await composer(), 'And the tomatoes?{Enter}');
    expect(await screen.findByRole('button', { name: 'Stop' })).toBeVisible();
    expect(await screen.findByRole('article', { name: 'Ida' })).toBeVisible();
    expect(await screen.findByRole('button', { name: /Ida speaks ?, has the word/ })).toBeVisible();
    expect(await screen.findByRole('article', { name: 'Bo' })).toBeVisible();
    await screen.findByRole('button', { name: 'Send' });
    const said = backend.world.messages.filter((message) => message.groupId === backend.world.groups[0]!.id && message.originId === undefined && message.role === 'Assistant');
    expect(said).toHaveLength(6);
    expect(screen.getAllByText('And the tomatoes?')).toHaveLength(1);
    expect(screen.getByText(/I would begin with what takes longest/, { selector: 'p' }).closest('article')).toHaveAccessibleName(/^Ida, /);
    expect(await composer()).toHaveValue('');
  });

  it('is told to a screen reader once for each thing said', async () => {
    const { user } = await openGarden();
    await screen.findByText('Good. And where?');
    const spoken = document.querySelector('.group > [role=status]')!;
    const heard: string[] = [];
    new MutationObserver(() => heard.push(spoken.textContent)).observe(spoken, { childList: true, characterData: true, subtree: true });
    await user.type(await composer(), 'Hello{Enter}');
    await waitFor(() => expect(heard).toHaveLength(2));
    expect(heard[0]).toMatch(/^Ida: I would begin/);
    expect(heard[1]).toMatch(/^Bo: Agreed/);
  });

  it('stops at Escape, and nobody speaks after', async () => {
    const { user, backend } = await openGarden(companyWorld(NOW), 20);
    await user.type(await composer(), 'A long one{Enter}');
    await screen.findByRole('article', { name: 'Ida' });
    await user.keyboard('{Escape}');
    await screen.findByRole('button', { name: 'Send' });
    expect(backend.world.turns.filter((turn) => turn.state === 'Cancelled')).toHaveLength(1);
    expect(screen.queryByRole('article', { name: 'Bo' })).toBeNull();
  });

  it('says in one sentence how it works while nothing was said', async () => {
    const { user } = await openApp(companyWorld(NOW));
    await user.click(await screen.findByRole('button', { name: 'Plan the trip to Bergen' }));
    expect(await screen.findByText('Say something. Mona asks the others, and then answers you.')).toBeVisible();
    expect(screen.getByRole('button', { name: /Mona leads/ })).toBeVisible();
  });

  it('says who chooses while nobody speaks', async () => {
    const world = companyWorld(NOW);
    Object.assign(world.groups[1]!, { kind: 'Dynamic' });
    const { user } = await openApp(world, { script: { pace: 15 } });
    await user.click(await screen.findByRole('button', { name: 'Plan the trip to Bergen' }));
    await user.type(await composer(), 'When?{Enter}');
    expect(await screen.findByText('Choosing who speaks next')).toBeVisible();
    await screen.findByRole('button', { name: 'Send' });
  });

  it('keeps what was typed when it could not be sent, and says why', async () => {
    const { user, backend } = await openGarden();
    backend.failing.set('sendToGroup', { code: 'Conflict', message: 'The group is talking.', hint: 'Wait until it is done, or stop it.' });
    await user.type(await composer(), 'Hello{Enter}');
    expect(await screen.findByRole('alert')).toHaveTextContent('The group is talking.');
    expect(await composer()).toHaveValue('Hello');
  });

  it('says whose word failed and why', async () => {
    const app = await openApp(companyWorld(NOW), { script: { pace: 1, failure: { code: 'Model', message: 'The model ended before it answered.', hint: null } } });
    await app.user.click(await screen.findByRole('button', { name: 'The kitchen garden' }));
    await app.user.type(await composer(), 'Hello{Enter}');
    const alert = await screen.findByRole('alert');
    expect(alert).toHaveTextContent('The model ended before it answered.');
    expect(within(alert).getByRole('button', { name: 'Open Ida' })).toBeVisible();
  });

  it('of fifty agents and two thousand messages opens at its end and folds its members', async () => {
    const { user } = await openApp(crowdedWorld(NOW));
    await user.click((await screen.findAllByRole('button', { name: /^Donaudampf.* and everything/ }))[0]!);
    expect(await screen.findByText('Word 1999.')).toBeVisible();
    expect(screen.getByText('Reading what was said before')).toBeInTheDocument();
    const members = within(screen.getByRole('group', { name: 'Who is in it' }));
    expect(members.getAllByRole('button')).toHaveLength(7);
    await user.click(members.getByRole('button', { name: 'and 45 more' }));
    expect(members.getAllByRole('button')).toHaveLength(52);
  });
});

describe('a group', () => {
  it('is made from the palette: how it works, who leads, and who speaks in which order', async () => {
    const { user, backend } = await openApp(companyWorld(NOW));
    await composer();
    await user.keyboard('{Control>}k{/Control}');
    await user.type(await screen.findByRole('combobox'), 'new group{Enter}');
    const form = within(await screen.findByRole('dialog', { name: 'New group' }));
    expect(form.getByRole('button', { name: 'Create' })).toBeDisabled();
    await user.type(form.getByRole('textbox', { name: 'What it is for' }), 'The house');
    await user.click(form.getByRole('radio', { name: /One speaks for all/ }));
    await user.selectOptions(form.getByRole('combobox', { name: 'Who answers you' }), 'Mona');
    for (const name of ['Ada', 'Bo', 'Ida']) {
      await user.selectOptions(form.getByRole('combobox', { name: 'An agent to add' }), name);
      await user.click(form.getByRole('button', { name: 'Add' }));
    }
    await user.click(form.getByRole('button', { name: 'Move Ida up' }));
    expect(form.getByRole('button', { name: 'Move Ida up' })).toHaveFocus();
    await user.keyboard('{Alt>}{ArrowUp}{/Alt}');
    expect(form.getByText('Ida is now 1 of 3.')).toBeInTheDocument();
    expect(form.getByRole('button', { name: 'Move Ida down' })).toHaveFocus();
    await user.click(form.getByRole('button', { name: 'Take Ada out' }));
    await user.click(form.getByRole('button', { name: 'Create' }));
    expect(await screen.findByRole('heading', { level: 1, name: 'The house' })).toBeVisible();
    const made = backend.world.groups.at(-1)!;
    const names = made.agentIds.map((id) => backend.world.agents.find((agent) => agent.id === id)?.name);
    expect([made.kind, names]).toEqual(['Supervisor', ['Ida', 'Bo']]);
  });

  it('begins with the agent from whose menu it is made', async () => {
    const { user } = await openApp(companyWorld(NOW));
    await composer();
    await user.click(screen.getByRole('button', { name: 'More about Bo' }));
    await user.click(await menuItem(/^New group/));
    const form = within(await screen.findByRole('dialog', { name: 'New group' }));
    expect(form.getByRole('button', { name: 'Take Bo out' })).toBeVisible();
  });

  it('says in place what the program refuses', async () => {
    const { user, backend } = await openGarden();
    backend.failing.set('updateGroup', { code: 'Invalid', message: 'Numbers of turns are between 1 and 1,000.', hint: null });
    await user.click(screen.getByRole('button', { name: 'More about this group' }));
    await user.click(await menuItem(/^Change$/));
    const form = within(await screen.findByRole('dialog', { name: 'Change the group' }));
    await user.click(form.getByRole('button', { name: 'Save' }));
    expect(await form.findByRole('alert')).toHaveTextContent('Numbers of turns');
    backend.failing.clear();
    await user.clear(form.getByRole('textbox', { name: 'What it is for' }));
    await user.type(form.getByRole('textbox', { name: 'What it is for' }), 'Beds and paths');
    await user.click(form.getByRole('button', { name: 'Save' }));
    expect(await screen.findByRole('heading', { level: 1, name: 'Beds and paths' })).toBeVisible();
  });

  it('takes whoever leads out of those who are led', async () => {
    const { user } = await openApp(companyWorld(NOW));
    await user.click(await screen.findByRole('button', { name: 'Plan the trip to Bergen' }));
    await user.click(screen.getByRole('button', { name: 'More about this group' }));
    await user.click(await menuItem(/^Change$/));
    const form = within(await screen.findByRole('dialog', { name: 'Change the group' }));
    expect(form.getByRole('button', { name: 'Take Bo out' })).toBeVisible();
    await user.selectOptions(form.getByRole('combobox', { name: 'Who answers you' }), 'Bo');
    expect(form.queryByRole('button', { name: 'Take Bo out' })).toBeNull();
  });

  it('is taken apart only after the question', async () => {
    const { user, backend } = await openGarden();
    await user.click(screen.getByRole('button', { name: 'More about this group' }));
    await user.click(await menuItem(/^Take apart/));
    const ask = within(await screen.findByRole('dialog', { name: 'Take this group apart?' }));
    expect(ask.getByText(/The group itself cannot be brought back/)).toBeVisible();
    expect(backend.world.groups).toHaveLength(3);
    await user.click(ask.getByRole('button', { name: 'Take apart' }));
    expect(await screen.findByRole('heading', { level: 1, name: 'Ada' })).toBeVisible();
    expect(navigation().queryByRole('button', { name: 'The kitchen garden' })).toBeNull();
    await user.click(navigation().getByRole('button', { name: 'Ida' }));
    expect((await screen.findAllByText('A group that is no more')).length).toBeGreaterThan(0);
  });
});

describe('memory that is tidied', () => {
  async function settingsOf(name: string, world = companyWorld(NOW)): Promise<OpenApp> {
    const app = await openApp(world);
    await composer();
    await app.user.click(screen.getByRole('button', { name: `More about ${name}` }));
    await app.user.click(await menuItem(/^Rename/));
    await screen.findByRole('dialog', { name: `Change ${name}` });
    return app;
  }
  const tidying = () => within(screen.getByRole('region', { name: 'Tidying' }));

  it('is switched on and off, and says how often', async () => {
    const { user, backend } = await settingsOf('Bo');
    await user.click(tidying().getByRole('switch', { name: 'Tidy its memory in the background' }));
    const often = await tidying().findByRole('spinbutton');
    expect(often).toHaveValue(5);
    expect(tidying().getByText('Not tidied yet.')).toBeVisible();
    await user.clear(often);
    await user.type(often, '8{Enter}');
    await waitFor(() => expect(backend.world.groups.at(-1)?.everyTurns).toBe(8));
    expect(screen.getByRole('dialog', { name: 'Change Bo' })).toBeVisible();
    expect(navigation().queryByRole('button', { name: 'Bo-sleeptime', hidden: true })).toBeNull();
    await user.click(tidying().getByRole('switch'));
    await waitFor(() => expect(tidying().queryByRole('spinbutton')).toBeNull());
    expect(backend.world.groups).toHaveLength(3);
  });

  it('says what waits, is tidied now, and leads to what was done', async () => {
    const { user, backend } = await settingsOf('Ada');
    expect(tidying().getByRole('status')).toHaveTextContent(/^3 turns not looked at yet\. Last tidied \d h ago\.$/);
    await user.click(tidying().getByRole('button', { name: 'Tidy now' }));
    await waitFor(() => expect(tidying().getByRole('status')).toHaveTextContent('Last tidied now.'));
    expect(backend.world.blocks[0]!.value).toBe('Name: Nick\nLives in Oslo, moves to Bergen in January.');
    await user.click(tidying().getByRole('button', { name: 'See what it did' }));
    expect(await screen.findByRole('heading', { level: 1, name: 'Ada-sleeptime' })).toBeVisible();
    expect((await screen.findAllByRole('button', { name: /Resident showed the agent what was said/ })).length).toBeGreaterThan(0);
  });

  it('says in place what the program refuses', async () => {
    const { user, backend } = await settingsOf('Ada');
    backend.failing.set('tidyNow', { code: 'Conflict', message: 'The memory is being tidied.', hint: null });
    await user.click(tidying().getByRole('button', { name: 'Tidy now' }));
    expect(await tidying().findByRole('alert')).toHaveTextContent('The memory is being tidied.');
  });

  it('shows in the inspector how it stands', async () => {
    const { user } = await openApp(companyWorld(NOW));
    await user.click(await screen.findByRole('button', { name: /^3 turns not looked at yet/ }));
    expect(await screen.findByRole('dialog', { name: 'Change Ada' })).toBeVisible();
  });
});
