/**
 * The window's entry: the interface on the desktop backend.
 */
import { mount } from 'svelte';

import './app.css';
import App from './App.svelte';
import { tauriBackend } from './backend/tauri';

const target = document.getElementById('app');
if (!target) throw new Error('index.html has an element with the id app');

export default mount(App, { target, props: { backend: tauriBackend } });
