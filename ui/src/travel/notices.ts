/**
 * What a person should know about a file, sorted by what it is about, the most serious first.
 */
import type { FileNotice, FileNoticeKind } from '../backend/generated';

export interface NoticeGroup {
  kind: FileNoticeKind;
  title: string;
  /** Whether it deserves a second look before the file is taken in. */
  warns: boolean;
  notices: readonly FileNotice[];
}

const TITLES: readonly [FileNoticeKind, string, boolean][] = [
  ['HiddenText', 'Characters that cannot be seen', true],
  ['Secret', 'Secrets, which are not kept', true],
  ['NotAdopted', 'Left out', false],
  ['Inert', 'Comes in and does nothing here', false],
  ['Mended', 'Put right', false],
];

export function grouped(notices: readonly FileNotice[]): NoticeGroup[] {
  const groups = TITLES.map(([kind, title, warns]) => ({ kind, title, warns, notices: notices.filter((notice) => notice.kind === kind) }));
  return groups.filter((group) => group.notices.length > 0);
}
