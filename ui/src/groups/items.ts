/**
 * What can be done with a group, for the menus.
 */
import Pencil from '@lucide/svelte/icons/pencil';
import Ungroup from '@lucide/svelte/icons/ungroup';

import type { MenuItem } from '../controls/Menu.svelte';
import type { Workspace } from '../shell/workspace.svelte';

export function groupItems(workspace: Workspace, groupId: string): MenuItem[] {
  return [
    { label: 'Change', icon: Pencil, run: () => (workspace.overlay = { kind: 'editGroup', groupId }) },
    { label: 'Take apart…', icon: Ungroup, danger: true, divided: true, run: () => (workspace.overlay = { kind: 'groupApart', groupId }) },
  ];
}
