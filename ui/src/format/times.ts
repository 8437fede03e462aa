/**
 * Times relative up to a day, then dates. The present is passed in, so that what is shown can be tested and refreshed.
 */
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const clock = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' });
const dayMonth = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'long' });
const dayMonthYear = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'long', year: 'numeric' });
const weekday = new Intl.DateTimeFormat('en-GB', { weekday: 'long' });

function startOfDay(ms: number): number {
  return new Date(ms).setHours(0, 0, 0, 0);
}

/** `now`, `2 min ago`, `3 h ago`, then `12 March` or, in another year, `12 March 2025`. */
export function ago(atMs: number, nowMs: number): string {
  const passed = nowMs - atMs;
  if (passed < MINUTE) return 'now';
  if (passed < HOUR) return `${Math.floor(passed / MINUTE)} min ago`;
  if (passed < DAY) return `${Math.floor(passed / HOUR)} h ago`;
  return date(atMs, nowMs);
}

/** `12 March`, with the year where it is not this one. */
export function date(atMs: number, nowMs: number): string {
  const sameYear = new Date(atMs).getFullYear() === new Date(nowMs).getFullYear();
  return (sameYear ? dayMonth : dayMonthYear).format(atMs);
}

/** The heading over a day of conversation: `Today`, `Yesterday`, `Monday`, then a date. */
export function day(atMs: number, nowMs: number): string {
  const days = Math.round((startOfDay(nowMs) - startOfDay(atMs)) / DAY);
  if (days <= 0) return 'Today';
  if (days === 1) return 'Yesterday';
  if (days < 7) return weekday.format(atMs);
  return date(atMs, nowMs);
}

/** `14:05`. */
export function time(atMs: number): string {
  return clock.format(atMs);
}

/** `12 March 2026, 14:05`, for what a pointer rests on. */
export function exact(atMs: number): string {
  return `${dayMonthYear.format(atMs)}, ${time(atMs)}`;
}

/** Whether two times are on one calendar day. */
export function sameDay(a: number, b: number): boolean {
  return startOfDay(a) === startOfDay(b);
}

/** The local day of a time as `YYYY-MM-DD`, the form of a date field. */
export function isoDay(ms: number): string {
  const at = new Date(ms);
  const two = (part: number): string => String(part).padStart(2, '0');
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
}

/** The first millisecond of a `YYYY-MM-DD` day in local time; `null` where that is no date. */
export function dayStart(value: string): number | null {
  const parts = /^(\d{4})-(\d{2})-(\d{2})$/.exec(value);
  if (!parts) return null;
  return new Date(Number(parts[1]), Number(parts[2]) - 1, Number(parts[3])).getTime();
}
