/**
 * How groups work, in words: a name, one sentence to choose by, and one for the empty talk.
 */
import type { GroupKind } from '../backend/generated';

/** The ways in which agents talk with a person; tidying is not one of them. */
export type TalkKind = Exclude<GroupKind, 'Sleeptime'>;

interface Words {
  name: string;
  /** What happens, to choose by. */
  how: string;
  /** What whoever leads does, for a label. */
  lead: string | null;
}

export const TALK_KINDS: readonly TalkKind[] = ['RoundRobin', 'Supervisor', 'Dynamic'];

export const KIND_WORDS: Record<TalkKind, Words> = {
  RoundRobin: { name: 'In turn', how: 'One after the other, in the order below.', lead: null },
  Supervisor: { name: 'One speaks for all', how: 'One asks the others, and then answers you.', lead: 'Who answers you' },
  Dynamic: { name: 'Whoever fits', how: 'One says who speaks next, until your question is answered.', lead: 'Who says who speaks' },
};

/** The words for a group that is shown; a tidying one has a sentence of its own. */
export function howItWorks(kind: GroupKind, leader: string | null): string {
  const name = leader ?? 'The one that leads';
  switch (kind) {
    case 'RoundRobin':
      return 'Say something, and each speaks in turn.';
    case 'Supervisor':
      return `Say something. ${name} asks the others, and then answers you.`;
    case 'Dynamic':
      return `Say something. ${name} says who speaks next, until your question is answered.`;
    case 'Sleeptime':
      return 'It works in the background; nobody talks in it.';
  }
}

/** What somebody does in a group, after their name. */
export function roleWords(leads: boolean): string {
  return leads ? 'leads' : 'speaks';
}
