/**
 * What the palette offers: every place, every agent, and what can be done with the open one.
 */
import type { Component } from 'svelte';
import ArchiveIcon from '@lucide/svelte/icons/archive';
import Brain from '@lucide/svelte/icons/brain';
import Copy from '@lucide/svelte/icons/copy';
import Cpu from '@lucide/svelte/icons/cpu';
import FileDown from '@lucide/svelte/icons/file-down';
import FileUp from '@lucide/svelte/icons/file-up';
import Layers from '@lucide/svelte/icons/layers';
import MessageSquare from '@lucide/svelte/icons/message-square';
import Moon from '@lucide/svelte/icons/moon';
import PanelRight from '@lucide/svelte/icons/panel-right';
import Pencil from '@lucide/svelte/icons/pencil';
import Plus from '@lucide/svelte/icons/plus';
import Search from '@lucide/svelte/icons/search';
import Settings from '@lucide/svelte/icons/settings';
import ShieldCheck from '@lucide/svelte/icons/shield-check';
import Trash from '@lucide/svelte/icons/trash-2';
import Ungroup from '@lucide/svelte/icons/ungroup';
import Users from '@lucide/svelte/icons/users-round';

import { groupName } from '../groups/people';
import { ACCEPT } from '../travel/arrival.svelte';
import { pickFile } from '../travel/pickFile';
import { keyText } from './shortcuts';
import type { Workspace } from './workspace.svelte';

export interface Command {
  id: string;
  group: 'Agents' | 'Groups' | 'Go to' | 'Do';
  words: string;
  keys?: string;
  icon: Component<{ size?: number }>;
  run: () => void;
}

/** The commands as things are now. */
export function commandsOf(workspace: Workspace): Command[] {
  const { agent, group, settings, layout } = workspace;
  const show = (tab: 'memory' | 'archive' | 'why'): void => {
    workspace.go('chat');
    layout.show(tab);
  };
  const commands: Command[] = workspace.listed.map((other, index) => ({
    id: `agent:${other.id}`,
    group: 'Agents',
    words: other.name,
    ...(index < 9 ? { keys: keyText(String(index + 1)) } : {}),
    icon: MessageSquare,
    run: () => workspace.openAgent(other.id),
  }));
  for (const other of workspace.groups.talking) {
    const words = groupName(other, workspace.agents);
    commands.push({ id: `group:${other.id}`, group: 'Groups', words, icon: Users, run: () => workspace.openGroup(other.id) });
  }
  const add = (group: Command['group'], words: string, icon: Command['icon'], run: () => void, keys?: string): void => {
    commands.push({ id: words, group, words, icon, run, ...(keys === undefined ? {} : { keys }) });
  };

  if (agent) {
    add('Go to', 'Memory', Brain, () => show('memory'));
    add('Go to', 'Archive', ArchiveIcon, () => workspace.go('archive'), keyText('L'));
    add('Go to', 'Why the last answer', MessageSquare, () => show('why'));
    add('Go to', 'Context window', Layers, () => (workspace.overlay = { kind: 'context' }));
  }
  add('Go to', 'Models', Cpu, () => workspace.go('models'));
  add('Go to', 'Settings', Settings, () => workspace.go('settings'), keyText(','));

  add('Do', 'Search everything said and saved', Search, () => (workspace.overlay = { kind: 'search' }), keyText('F'));
  add('Do', 'New agent', Plus, () => (workspace.overlay = { kind: 'newAgent' }), keyText('N'));
  add('Do', 'Bring in an agent from a file', FileUp, () => pickFile(ACCEPT, (file) => workspace.arrive([file])));
  add('Do', 'New group…', Users, () => (workspace.overlay = { kind: 'newGroup' }));
  if (group) {
    const name = groupName(group, workspace.agents);
    add('Do', `Change the group ${name}`, Pencil, () => (workspace.overlay = { kind: 'editGroup', groupId: group.id }));
    add('Do', `Take the group ${name} apart…`, Ungroup, () => (workspace.overlay = { kind: 'groupApart', groupId: group.id }));
  } else if (agent) {
    add('Do', `Rename ${agent.name}`, Pencil, () => (workspace.overlay = { kind: 'editAgent', agentId: agent.id }));
    add('Do', `Duplicate ${agent.name}`, Copy, () => void workspace.duplicateAgent(agent));
    add('Do', `Take ${agent.name} with you`, FileDown, () => (workspace.overlay = { kind: 'departure', agentId: agent.id }));
    add('Do', `Delete ${agent.name}`, Trash, () => void workspace.deleteAgent(agent));
  }
  add('Do', 'Show or hide the inspector', PanelRight, () => layout.toggleInspector(), keyText('I'));
  if (settings) {
    const dark = document.documentElement.dataset['theme'] === 'dark';
    add('Do', dark ? 'Light theme' : 'Dark theme', Moon, () => void workspace.updateSettings({ theme: dark ? 'Light' : 'Dark' }));
    add('Do', settings.offline ? 'Go online' : 'Go offline', ShieldCheck, () => void workspace.updateSettings({ offline: !settings.offline }));
  }
  return commands;
}

/** Commands whose words hold all that was typed, in any order; those that begin with it first. */
export function matching(commands: readonly Command[], typed: string): Command[] {
  const parts = typed.toLowerCase().split(/\s+/).filter(Boolean);
  const found = commands.filter((command) => parts.every((part) => command.words.toLowerCase().includes(part)));
  const first = parts[0];
  if (first === undefined) return found;
  const rank = (command: Command): number => (command.words.toLowerCase().startsWith(first) ? 0 : 1);
  return found.toSorted((a, b) => rank(a) - rank(b));
}
