/**
 * What a person should know about a file, sorted by what it is about, the most serious first. What is so in many places
 * is said once.
 */
import type { FileNotice, FileNoticeKind } from '../backend/generated';

export interface Told {
  text: string;
  /** Where in the file; empty for the file as a whole. */
  places: readonly string[];
}

export interface NoticeGroup {
  kind: FileNoticeKind;
  title: string;
  /** Whether it deserves a second look before the file is taken in. */
  warns: boolean;
  told: readonly Told[];
}

const TITLES: readonly [FileNoticeKind, string, boolean][] = [
  ['HiddenText', 'Characters that cannot be seen', true],
  ['Secret', 'Secrets, which are not kept', true],
  ['NotAdopted', 'Left out', false],
  ['Inert', 'Comes in and does nothing here', false],
  ['Mended', 'Put right', false],
];

export function grouped(notices: readonly FileNotice[]): NoticeGroup[] {
  const groups = TITLES.map(([kind, title, warns]) => ({ kind, title, warns, told: toldOnce(notices.filter((notice) => notice.kind === kind)) }));
  return groups.filter((group) => group.told.length > 0);
}

function toldOnce(notices: readonly FileNotice[]): Told[] {
  const byText = new Map<string, string[]>();
  for (const { text, place } of notices) {
    const places = byText.get(text) ?? [];
    if (place !== '') places.push(place);
    byText.set(text, places);
  }
  return [...byText].map(([text, places]) => ({ text, places }));
}
