/**
 * The entry of `server.html`: the interface in a browser, on the server that sent it.
 *
 * The token comes behind the `#` of the address that the server prints, is kept for this tab, and taken out of the
 * address. Without one that the server accepts, the page asks for it.
 */
import { mount, unmount } from 'svelte';

import './app.css';
import App from './App.svelte';
import { HttpBackend, TokenRefused } from './backend/http';
import TokenForm from './shell/TokenForm.svelte';

const place = document.getElementById('app');
if (!place) throw new Error('server.html has an element with the id app');
const target = place;

const key = 'resident-token';

function tokenOfAddress(): string | null {
  const token = new URLSearchParams(location.hash.slice(1)).get('token');
  if (token === null) return null;
  sessionStorage.setItem(key, token);
  history.replaceState(null, '', location.pathname + location.search);
  return token;
}

async function accepts(token: string | null): Promise<boolean> {
  try {
    await new HttpBackend('', token).request('getProfile', {});
    return true;
  } catch (error) {
    // Anything else is told by the interface itself.
    return !(error instanceof TokenRefused);
  }
}

function open(token: string | null): void {
  mount(App, { target, props: { backend: new HttpBackend('', token) } });
}

const token = tokenOfAddress() ?? sessionStorage.getItem(key);
if (await accepts(token)) {
  open(token);
} else {
  const form = mount(TokenForm, {
    target,
    props: {
      async onToken(typed: string): Promise<boolean> {
        if (!(await accepts(typed))) return false;
        sessionStorage.setItem(key, typed);
        await unmount(form);
        open(typed);
        return true;
      },
    },
  });
}
