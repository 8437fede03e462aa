import { render, screen, waitFor } from '@testing-library/svelte';
import userEvent from '@testing-library/user-event';
import { describe, expect, it, vi } from 'vitest';

import App from '../App.svelte';
import type { ApiError, ErrorCode } from '../backend/generated';
import type { Opening, Recovery } from '../backend/recovery';
import { ScriptedBackend } from '../backend/scripted/scripted';
import { usualWorld } from '../backend/scripted/usual';

const NOW = Date.now();

/** A window whose profile does not open, and what its ways out were asked. */
function open(code: ErrorCode): { backend: ScriptedBackend; restored: string[]; quit: () => Promise<void> } {
  const error: ApiError = { code, message: 'The database is damaged. It was not touched.', hint: 'Restore the newest backup.' };
  const backend = new ScriptedBackend({ world: usualWorld(NOW) });
  backend.failing.set('getProfile', error);
  const restored: string[] = [];
  const failed: Opening = {
    type: 'failed',
    error,
    folder: '/profile',
    backups: [{ path: '/profile/backups/1.db', createdAtMs: NOW, sizeBytes: 1_200_000 }],
  };
  const quit = vi.fn(() => Promise.resolve());
  const recovery: Recovery = {
    state: () => Promise.resolve(failed),
    retry: () => Promise.resolve(failed),
    restore: (path) => {
      restored.push(path);
      backend.failing.clear();
      return Promise.resolve({ type: 'open' });
    },
    chooseFolder: () => Promise.resolve(null),
    quit,
  };
  vi.stubGlobal('innerWidth', 1440);
  render(App, { props: { backend: Object.assign(backend, { recovery }) } });
  return { backend, restored, quit };
}

describe('a profile that does not open', () => {
  it('offers its backups when it is damaged', async () => {
    const { restored } = open('Profile');
    await userEvent.click(await screen.findByRole('button', { name: /^Restore the backup of/ }));
    expect(await screen.findByRole('textbox', { name: /^Message/ })).toBeVisible();
    expect(restored).toEqual(['/profile/backups/1.db']);
  });

  it('offers no backup when another Resident has it open', async () => {
    open('InUse');
    expect(await screen.findByText(/The profile is in/)).toBeVisible();
    expect(screen.queryByRole('button', { name: /^Restore/ })).toBeNull();
  });

  it('stays as it is when no folder is chosen, and lets one leave', async () => {
    const { quit } = open('Profile');
    await userEvent.click(await screen.findByRole('button', { name: 'Choose another folder' }));
    await waitFor(() => expect(screen.getByRole('button', { name: 'Try again' })).toBeEnabled());
    await userEvent.click(screen.getByRole('button', { name: 'Quit' }));
    expect(quit).toHaveBeenCalledOnce();
  });
});
