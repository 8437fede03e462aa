/**
 * Lets a text area grow with its text, up to a number of lines; beyond that it scrolls.
 */
import type { Attachment } from 'svelte/attachments';

function fit(area: HTMLTextAreaElement, maxLines: number): void {
  const style = getComputedStyle(area);
  const line = Number.parseFloat(style.lineHeight) || 20;
  const padding = Number.parseFloat(style.paddingTop) + Number.parseFloat(style.paddingBottom);
  const border = area.offsetHeight - area.clientHeight;
  area.style.height = '0';
  const most = line * maxLines + padding;
  const needed = area.scrollHeight;
  area.style.height = `${Math.min(needed, most) + border}px`;
  area.style.overflowY = needed > most ? 'auto' : 'hidden';
}

/** Sizes the element to its text whenever that changes, and whenever its width does. */
export function grow(text: () => string, maxLines = 1000): Attachment<HTMLTextAreaElement> {
  return (area) => {
    $effect(() => {
      text();
      fit(area, maxLines);
    });
    let width = area.clientWidth;
    const observer = new ResizeObserver(() => {
      if (area.clientWidth === width) return;
      width = area.clientWidth;
      fit(area, maxLines);
    });
    observer.observe(area);
    return () => observer.disconnect();
  };
}
