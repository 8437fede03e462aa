/**
 * Every key of the window in one table: it is what the listener acts on and what Settings and the palette show.
 */
import type { Workspace } from './workspace.svelte';

export const onMac = typeof navigator !== 'undefined' && /Mac|iPhone|iPad/.test(navigator.platform);

/** `Ctrl K`, or `⌘K` where that is the custom. */
export function keyText(key: string): string {
  return onMac ? `⌘${key}` : `Ctrl ${key}`;
}

export interface Shortcut {
  /** Without the modifier, as `KeyboardEvent.key` in lower case. */
  key: string;
  shown: string;
  words: string;
  run: (workspace: Workspace) => void;
}

export const SHORTCUTS: readonly Shortcut[] = [
  { key: 'k', shown: 'K', words: 'Command palette', run: (w) => (w.overlay = { kind: 'palette' }) },
  { key: 'n', shown: 'N', words: 'New agent', run: (w) => (w.overlay = { kind: 'newAgent' }) },
  { key: 'f', shown: 'F', words: 'Search everything said and saved', run: (w) => (w.overlay = { kind: 'search' }) },
  { key: 'i', shown: 'I', words: 'Show or hide the inspector', run: (w) => w.layout.toggleInspector() },
  { key: 'b', shown: 'B', words: 'Show or hide the sidebar', run: (w) => w.layout.toggleSidebar() },
  { key: 'l', shown: 'L', words: 'Archive', run: (w) => w.go('archive') },
  { key: ',', shown: ',', words: 'Settings', run: (w) => w.go('settings') },
];

/** Keys that act where the focus is; shown, and handled there. */
export const LOCAL_KEYS: readonly { shown: string; words: string }[] = [
  { shown: 'Enter', words: 'Send the message' },
  { shown: 'Shift Enter', words: 'New line' },
  { shown: '↑', words: 'Edit the last message, in an empty composer' },
  { shown: 'Esc', words: 'Stop an answer, then close what is open' },
  { shown: keyText('1–9'), words: 'Open an agent' },
  { shown: keyText('S'), words: 'Save something for later, in the archive' },
  { shown: keyText('Enter'), words: 'Save what is being edited' },
];

/** Stops the answer that runs, else closes what is open; whether there was something to do. */
export function escape(workspace: Workspace): boolean {
  if (workspace.overlay !== null) {
    workspace.overlay = null;
    return true;
  }
  const conversation = workspace.desk?.conversation;
  if (workspace.place === 'chat' && conversation?.live && !conversation.live.stopping) {
    void conversation.stop();
    return true;
  }
  const { talk } = workspace;
  if (talk?.running && !talk.stopping) {
    void talk.stop();
    return true;
  }
  if (workspace.layout.closeOver()) return true;
  if (workspace.place !== 'chat') {
    workspace.go('chat');
    return true;
  }
  return false;
}

/** Acts on a key; whether it was one of ours. */
export function handleKey(event: KeyboardEvent, workspace: Workspace): boolean {
  if (event.defaultPrevented || event.isComposing) return false;
  if (event.key === 'Escape') return escape(workspace);
  const modified = onMac ? event.metaKey : event.ctrlKey;
  if (!modified || event.altKey || event.shiftKey) return false;
  if (/^[1-9]$/.test(event.key)) {
    const agent = workspace.listed[Number(event.key) - 1];
    if (agent) workspace.openAgent(agent.id);
    return agent !== undefined;
  }
  const shortcut = SHORTCUTS.find((candidate) => candidate.key === event.key.toLowerCase());
  shortcut?.run(workspace);
  return shortcut !== undefined;
}
