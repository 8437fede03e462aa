/**
 * Puts the theme and the text size on the page. `data-theme` always says what is shown, so that the colours need one
 * rule for each theme.
 */
import type { Theme } from '../backend/generated';

/** Applies a theme and follows the system where it is meant to; the returned function ends that. */
export function applyTheme(theme: Theme): () => void {
  const dark = window.matchMedia('(prefers-color-scheme: dark)');
  const show = (): void => {
    const shown = theme === 'System' ? (dark.matches ? 'dark' : 'light') : theme.toLowerCase();
    document.documentElement.dataset['theme'] = shown;
  };
  show();
  dark.addEventListener('change', show);
  return () => dark.removeEventListener('change', show);
}

/** Every size is in `rem`, so that one number scales the whole interface. */
export function applyTextSize(percent: number): void {
  document.documentElement.style.fontSize = `${percent}%`;
  document.documentElement.style.setProperty('--text-scale', String(percent / 100));
}
