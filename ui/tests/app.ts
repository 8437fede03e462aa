/**
 * The whole window on the scripted backend, as a person meets it, with the keyboard and the pointer.
 */
import { render, screen } from '@testing-library/svelte';
import userEvent, { type UserEvent } from '@testing-library/user-event';
import { vi } from 'vitest';

import App from '../src/App.svelte';
import { ScriptedBackend } from '../src/backend/scripted/scripted';
import type { TurnScript } from '../src/backend/scripted/turn';
import type { World } from '../src/backend/scripted/world';

export interface OpenApp {
  backend: ScriptedBackend;
  user: UserEvent;
}

/** Opens the window and waits until it is there. `wide` has room for all panes. */
export async function openApp(world: World, options: { script?: TurnScript; width?: number } = {}): Promise<OpenApp> {
  vi.stubGlobal('innerWidth', options.width ?? 1440);
  const backend = new ScriptedBackend({ world, script: options.script ?? { pace: 1 } });
  const user = userEvent.setup();
  render(App, { props: { backend } });
  await screen.findByRole(world.profile.firstStart ? 'heading' : 'main');
  return { backend, user };
}

/** An item of the open menu. Without layout a menu has no place, so that it counts as hidden and nameless here. */
export async function menuItem(words: RegExp): Promise<HTMLElement> {
  const items = await screen.findAllByRole('menuitem', { hidden: true });
  const item = items.find((candidate) => words.test(candidate.textContent.trim()));
  if (!item) throw new Error(`no item of the menu matches ${words}`);
  return item;
}
