/**
 * What the window can show: how it started, the place that is open, and what lies over it.
 */
import type { ApiError } from '../backend/generated';

export type Place = 'chat' | 'group' | 'archive' | 'models' | 'settings';
export type Overlay =
  | { kind: 'palette' }
  | { kind: 'search' }
  | { kind: 'context' }
  | { kind: 'newAgent' }
  | { kind: 'editAgent'; agentId: string }
  | { kind: 'arrival'; file: File; rest: readonly File[] }
  | { kind: 'newGroup'; agentId?: string }
  | { kind: 'editGroup'; groupId: string }
  | { kind: 'groupApart'; groupId: string }
  | { kind: 'departure'; agentId: string };
export type Start = { kind: 'starting' } | { kind: 'ready' } | { kind: 'failed'; error: ApiError };
