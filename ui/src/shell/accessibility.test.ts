import { screen } from '@testing-library/svelte';
import { describe, expect, it } from 'vitest';

import { menuItem, openApp, type OpenApp } from '../../tests/app';
import { violations } from '../../tests/axe';
import { companyWorld, crowdedWorld } from '../backend/scripted/company';
import { overfullWorld } from '../backend/scripted/overfull';
import { quietWorld, tidiedWorld, usualWorld } from '../backend/scripted/usual';
import { emptyWorld, type World } from '../backend/scripted/world';

const NOW = Date.now();

interface View {
  name: string;
  world: () => World;
  width?: number;
  go?: (app: OpenApp) => Promise<void>;
}

const press = (keys: string) => ({ user }: OpenApp): Promise<void> => user.keyboard(keys);
const click = (role: string, name: RegExp) => async ({ user }: OpenApp): Promise<void> =>
  user.click((await screen.findAllByRole(role, { name }))[0]!);

const VIEWS: View[] = [
  { name: 'first start', world: emptyWorld },
  { name: 'an empty conversation', world: () => quietWorld(NOW) },
  { name: 'a conversation', world: () => usualWorld(NOW) },
  { name: 'blocks that were tidied', world: () => tidiedWorld(NOW), go: click('button', /3 memory changes/) },
  { name: 'the day of the archive', world: () => usualWorld(NOW), go: async (app) => {
    await press('{Control>}l{/Control}')(app);
    await click('button', /^As of/)(app);
  } },
  { name: 'an overfull conversation', world: () => overfullWorld(NOW) },
  { name: 'a narrow window', world: () => usualWorld(NOW), width: 600 },
  { name: 'the sidebar over a narrow window', world: () => usualWorld(NOW), width: 600, go: press('{Control>}b{/Control}') },
  { name: 'the inspector over a narrow window', world: () => usualWorld(NOW), width: 800, go: press('{Control>}i{/Control}') },
  { name: 'a block’s history', world: () => usualWorld(NOW), go: click('button', /^Edited by Ada/) },
  { name: 'the inspector’s archive', world: () => usualWorld(NOW), go: click('tab', /Archive/) },
  { name: 'why', world: () => usualWorld(NOW), go: click('tab', /Why/) },
  { name: 'the archive', world: () => usualWorld(NOW), go: press('{Control>}l{/Control}') },
  { name: 'models', world: () => overfullWorld(NOW), go: click('button', /^Models$/) },
  { name: 'settings', world: () => usualWorld(NOW), go: press('{Control>},{/Control}') },
  { name: 'the palette', world: () => usualWorld(NOW), go: press('{Control>}k{/Control}') },
  { name: 'search', world: () => usualWorld(NOW), go: press('{Control>}f{/Control}') },
  { name: 'a new agent', world: () => usualWorld(NOW), go: press('{Control>}n{/Control}') },
  { name: 'the context window', world: () => usualWorld(NOW), go: click('button', /^Context window/) },
  { name: 'a talk of a group', world: () => companyWorld(NOW), go: click('button', /^The kitchen garden$/) },
  { name: 'a group that has not talked', world: () => companyWorld(NOW), go: click('button', /^Plan the trip/) },
  { name: 'a talk in a narrow window', world: () => crowdedWorld(NOW), width: 600, go: async (app) => {
    await press('{Control>}b{/Control}')(app);
    await click('button', /^Donaudampf.* and everything/)(app);
    await click('button', /^and \d+ more/)(app);
  } },
  { name: 'what other agents said', world: () => companyWorld(NOW), go: click('button', /^Ida$/) },
  { name: 'a new group', world: () => companyWorld(NOW), go: async (app) => {
    await press('{Control>}k{/Control}')(app);
    await app.user.type(await screen.findByRole('combobox'), 'new group{Enter}');
  } },
  { name: 'a group of many', world: () => crowdedWorld(NOW), go: async (app) => {
    await click('button', /^More about Donaudampf.* and everything/)(app);
    await app.user.click(await menuItem(/^Change$/));
  } },
  { name: 'a group that is to be taken apart', world: () => companyWorld(NOW), go: async (app) => {
    await click('button', /^More about The kitchen/)(app);
    await app.user.click(await menuItem(/^Take apart/));
  } },
  { name: 'memory that is tidied', world: () => companyWorld(NOW), go: click('button', /^3 turns not looked at/) },
];

describe('axe finds nothing in', () => {
  it.each(VIEWS)('$name', async ({ world, width, go }) => {
    const app = await openApp(world(), width === undefined ? {} : { width });
    await screen.findByRole('textbox', { name: /^(Message|What should I call you)/ });
    await go?.(app);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(await violations()).toEqual([]);
  }, 30_000);
});
