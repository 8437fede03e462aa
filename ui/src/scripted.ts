/**
 * The entry of `scripted.html`: the interface on the scripted backend, for looking and for screenshots.
 * `?data=` is `first`, `quiet`, `usual`, `tidied`, `overfull`, `company` or `crowd`; `?theme=` is
 * `Light` or `Dark`; `?pace=` is in milliseconds.
 */
import { mount } from 'svelte';

import './app.css';
import App from './App.svelte';
import { companyWorld, crowdedWorld } from './backend/scripted/company';
import { overfullWorld } from './backend/scripted/overfull';
import { ScriptedBackend } from './backend/scripted/scripted';
import { quietWorld, tidiedWorld, usualWorld } from './backend/scripted/usual';
import { emptyWorld, type World } from './backend/scripted/world';

const query = new URLSearchParams(location.search);

function world(): World {
  switch (query.get('data')) {
    case 'first':
      return emptyWorld();
    case 'quiet':
      return quietWorld(Date.now());
    case 'tidied':
      return tidiedWorld(Date.now());
    case 'company':
      return companyWorld(Date.now());
    case 'crowd':
      return crowdedWorld(Date.now());
    case 'overfull':
      return overfullWorld(Date.now());
    default:
      return usualWorld(Date.now());
  }
}

const target = document.getElementById('app');
if (!target) throw new Error('scripted.html has an element with the id app');

const backend = new ScriptedBackend({ world: world(), script: { pace: Number(query.get('pace') ?? 16) } });
const theme = query.get('theme');
if (theme === 'Light' || theme === 'Dark') backend.world.settings.theme = theme;
const text = Number(query.get('text'));
if (text > 0) backend.world.settings.textPercent = text;
backend.pickedFile = '/home/nick/models/llama-3.2-1b.gguf';

export default mount(App, { target, props: { backend } });
