/**
 * The window's entry: the interface on the desktop backend, with the drags that its shell follows.
 */
import { mount } from 'svelte';

import './app.css';
import App from './App.svelte';
import { passOn } from './backend/drags';
import { followDrags, tauriBackend } from './backend/tauri';

const target = document.getElementById('app');
if (!target) throw new Error('index.html has an element with the id app');

passOn(followDrags);

export default mount(App, { target, props: { backend: tauriBackend } });
