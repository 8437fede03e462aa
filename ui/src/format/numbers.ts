/**
 * Numbers as people read them: grouped, with units, and short where space is short.
 */
const grouped = new Intl.NumberFormat('en');

/** `1240` becomes `1,240`. */
export function count(value: number): string {
  return grouped.format(value);
}

/** `1 passage`, `3 passages`, `1,200 passages`. */
export function counted(value: number, one: string, many = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : many}`;
}

/** Three figures at most: `214`, `1.9k`, `20k`, `1.2M`. */
export function short(value: number): string {
  if (value < 1000) return String(Math.round(value));
  const [divisor, unit] = value < 999_500 ? [1000, 'k'] : [1_000_000, 'M'];
  const scaled = value / divisor;
  const text = scaled < 9.95 ? scaled.toFixed(1).replace(/\.0$/, '') : String(Math.round(scaled));
  return `${text}${unit}`;
}

/** The size of a context window as people say it: 8,192 is `8k`. */
export function windowSize(tokens: number): string {
  return tokens >= 1024 && tokens % 1024 === 0 ? `${tokens / 1024}k` : short(tokens);
}

/** File sizes in decimal units, as file managers show them: `98 MB`, `1.1 GB`. */
export function bytes(value: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let scaled = value;
  let unit = 0;
  while (scaled >= 999.5 && unit < units.length - 1) {
    scaled /= 1000;
    unit += 1;
  }
  const text = unit > 0 && scaled < 9.95 ? scaled.toFixed(1).replace(/\.0$/, '') : String(Math.round(scaled));
  return `${text} ${units[unit] ?? 'B'}`;
}

/** `840 ms`, `2.4 s`, `3 min`. */
export function duration(milliseconds: number): string {
  if (milliseconds < 1000) return `${Math.round(milliseconds)} ms`;
  if (milliseconds < 10_000) return `${(milliseconds / 1000).toFixed(1)} s`;
  if (milliseconds < 120_000) return `${Math.round(milliseconds / 1000)} s`;
  return `${Math.round(milliseconds / 60_000)} min`;
}

/** Whole percent of `part` in `whole`; 0 where there is no whole. */
export function percent(part: number, whole: number): number {
  return whole > 0 ? Math.round((part / whole) * 100) : 0;
}

/** Characters as the store counts them: Unicode scalar values, not UTF-16 units. */
export function characters(text: string): number {
  let total = 0;
  for (const _ of text) total += 1;
  return total;
}
