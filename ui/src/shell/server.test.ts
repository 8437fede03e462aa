import { render, screen, waitFor, within } from '@testing-library/svelte';
import userEvent from '@testing-library/user-event';
import { beforeEach, describe, expect, it, vi } from 'vitest';

import { violations } from '../../tests/axe';
import App from '../App.svelte';
import type { Backend } from '../backend/backend';
import type { Link } from '../backend/connection';
import { ScriptedBackend } from '../backend/scripted/scripted';
import { usualWorld } from '../backend/scripted/usual';
import { emptyWorld, type World } from '../backend/scripted/world';
import type { ServerState, ToolServer, ToolServers } from '../backend/server';

const NOW = Date.now();

beforeEach(() => vi.stubGlobal('innerWidth', 1440));

/** A page whose Resident is elsewhere. */
function openPage(world: World): { tell: (link: Link) => void; backend: ScriptedBackend } {
  const backend = new ScriptedBackend({ world });
  let onLink: (link: Link) => void = () => {};
  const connection: Backend['connection'] = {
    host: 'studio.example:8283',
    watch: (watcher) => {
      onLink = watcher;
      return () => {};
    },
  };
  render(App, { props: { backend: Object.assign(backend, { connection, pickModelFile: undefined }) } });
  return { tell: (link) => onLink(link), backend };
}

describe('a page in a browser', () => {
  it('says on its first card where Resident lives', async () => {
    openPage(emptyWorld());
    expect(await screen.findByText('Resident at studio.example:8283')).toBeVisible();
    expect(screen.queryByText(/this computer/)).toBeNull();
  });

  it('never calls the server’s computer this one', async () => {
    openPage(usualWorld(NOW));
    await screen.findByRole('textbox', { name: /^Message/ });
    for (const place of ['Models', 'Settings']) {
      await userEvent.click(screen.getByRole('button', { name: place }));
      await screen.findByRole('heading', { level: 1, name: place });
      expect(document.body).not.toHaveTextContent(/this computer/);
    }
    expect(screen.queryByRole('button', { name: 'Load a GGUF file' })).toBeNull();
    expect(screen.queryByRole('switch', { name: 'Server' })).toBeNull();
  });

  it('says that the server does not answer, and keeps what is being written when it is back', async () => {
    const { tell, backend } = openPage(usualWorld(NOW));
    const composer = await screen.findByRole('textbox', { name: /^Message/ });
    await userEvent.type(composer, 'Half a thought');
    tell('down');
    expect(await screen.findByText(/^Resident does not answer\./)).toBeVisible();
    backend.log.emit({ type: 'Gap' });
    tell('up');
    await waitFor(() => expect(screen.queryByText(/^Resident does not answer\./)).toBeNull());
    await waitFor(() => expect(screen.getByRole('textbox', { name: /^Message/ })).toHaveValue('Half a thought'));
    tell('refused');
    expect(await screen.findByRole('button', { name: 'Enter it' })).toBeVisible();
    expect(await violations()).toEqual([]);
  });
});

describe('the server in Settings', () => {
  it('is switched on and off, and says why it does not start', async () => {
    let state: ServerState = { type: 'off' };
    let taken = true;
    const server: Backend['server'] = {
      state: () => Promise.resolve(state),
      start: () => {
        if (taken) return Promise.reject({ code: 'InUse', message: 'Port 8283 is taken by another program, so the server did not start.' });
        return Promise.resolve((state = { type: 'on', address: '127.0.0.1:8283', token: 'secret' }));
      },
      stop: () => Promise.resolve((state = { type: 'off' })),
    };
    render(App, { props: { backend: Object.assign(new ScriptedBackend({ world: usualWorld(NOW) }), { server }) } });
    await userEvent.click(await screen.findByRole('button', { name: 'Settings' }));
    const toggle = await screen.findByRole('switch', { name: 'Server' });
    await userEvent.click(toggle);
    expect(await screen.findByText(/^Port 8283 is taken/)).toBeVisible();
    expect(toggle).not.toBeChecked();
    taken = false;
    await userEvent.click(toggle);
    expect(await screen.findByRole('button', { name: 'Copy for letta-client' })).toBeVisible();
    expect(screen.queryByText(/^Port 8283 is taken/)).toBeNull();
    expect(await violations()).toEqual([]);
    await userEvent.click(toggle);
    await waitFor(() => expect(screen.queryByRole('button', { name: 'Copy for letta-client' })).toBeNull());
  });
});

describe('servers of tools', () => {
  it('are allowed only after their address was shown, and no longer at once', async () => {
    let servers: ToolServer[] = [
      { id: 'mcp-1', name: 'files', address: 'NODE_OPTIONS=… npx -y files', startsProgram: true, allowed: false },
    ];
    const toolServers: ToolServers = {
      list: () => Promise.resolve(servers),
      allow: ({ id }, allowed) => {
        servers = servers.map((server) => (server.id === id ? { ...server, allowed } : server));
        return Promise.resolve(servers);
      },
    };
    render(App, { props: { backend: Object.assign(new ScriptedBackend({ world: usualWorld(NOW) }), { toolServers }) } });
    await userEvent.click(await screen.findByRole('button', { name: 'Settings' }));
    const toggle = await screen.findByRole('switch', { name: 'Allow files' });
    await userEvent.click(toggle);
    const card = await screen.findByRole('dialog', { name: 'Allow files?' });
    expect(card).toHaveTextContent('NODE_OPTIONS=… npx -y files');
    expect(servers[0]?.allowed, 'nothing is allowed by a click on the switch alone').toBe(false);
    expect(toggle).not.toBeChecked();
    expect(await violations()).toEqual([]);
    await userEvent.click(within(card).getByRole('button', { name: 'Allow' }));
    await waitFor(() => expect(toggle).toBeChecked());
    await userEvent.click(toggle);
    await waitFor(() => expect(toggle).not.toBeChecked());
    expect(servers[0]?.allowed).toBe(false);
  });
});
