/**
 * How the conversation scrolls: it sticks to the end while the reader is there, and what is above the reader may grow,
 * shrink or be put in without moving what is being read. Rows out of sight are not laid out, but keep their measured
 * height, so that the scroll bar tells the truth.
 *
 * The browser's own scroll anchoring is off: not all webviews have it, and two would pull at one bar.
 */
import { tick } from 'svelte';
import type { Attachment } from 'svelte/attachments';

/** This near to the end counts as at the end. */
const END_PX = 48;

export class Viewport {
  atEnd = $state(true);
  /** More than a screen away from the end. */
  far = $state(false);
  /** Something came that the reader, who is elsewhere, has not seen. */
  unseen = $state(false);

  #scroller: HTMLElement | null = null;
  #heights = new WeakMap<Element, number>();
  #rows: ResizeObserver | null = null;
  #following = false;

  readonly scroller: Attachment<HTMLElement> = (element) => {
    this.#scroller = element;
    const onscroll = (): void => this.#look();
    element.addEventListener('scroll', onscroll, { passive: true });
    const size = new ResizeObserver(() => this.#grew());
    size.observe(element);
    if (element.firstElementChild) size.observe(element.firstElementChild);
    return () => {
      element.removeEventListener('scroll', onscroll);
      size.disconnect();
      this.#rows?.disconnect();
      this.#rows = null;
      this.#scroller = null;
    };
  };

  readonly row: Attachment<HTMLElement> = (element) => {
    this.#rows ??= new ResizeObserver((records) => this.#resized(records));
    this.#rows.observe(element);
    return () => this.#rows?.unobserve(element);
  };

  get distanceToTop(): number {
    return this.#scroller?.scrollTop ?? Infinity;
  }

  get distanceToEnd(): number {
    const el = this.#scroller;
    return el ? el.scrollHeight - el.scrollTop - el.clientHeight : 0;
  }

  #look(): void {
    const distance = this.distanceToEnd;
    this.atEnd = distance < END_PX;
    this.far = distance > (this.#scroller?.clientHeight ?? 0);
    if (this.atEnd) this.unseen = false;
  }

  #grew(): void {
    if (this.atEnd) this.#jump();
    else this.#look();
  }

  #jump(): void {
    if (this.#scroller) this.#scroller.scrollTop = this.#scroller.scrollHeight;
  }

  #resized(records: readonly ResizeObserverEntry[]): void {
    const el = this.#scroller;
    if (!el) return;
    let shift = 0;
    const top = el.getBoundingClientRect().top;
    for (const record of records) {
      const row = record.target as HTMLElement;
      const height = record.borderBoxSize[0]?.blockSize ?? row.offsetHeight;
      const before = this.#heights.get(row);
      this.#heights.set(row, height);
      if (before === undefined) {
        // The size that stands in for the row's content is without the row's own padding.
        row.style.containIntrinsicBlockSize = `auto ${record.contentBoxSize[0]?.blockSize ?? height}px`;
        row.style.contentVisibility = 'auto';
      } else if (row.getBoundingClientRect().top + before <= top) {
        shift += height - before;
      }
    }
    if (shift !== 0 && !this.atEnd && !this.#following) el.scrollTop += shift;
  }

  /** Goes to the end and stays there. */
  toEnd(): void {
    this.atEnd = true;
    this.unseen = false;
    this.#jump();
    void tick().then(() => this.#jump());
  }

  /** Changes what is shown while what is being read stays where it is. */
  async keeping(change: () => Promise<void>): Promise<void> {
    const el = this.#scroller;
    const rows = [...(el?.querySelectorAll<HTMLElement>('[data-row]') ?? [])];
    const edge = el?.getBoundingClientRect().top ?? 0;
    const anchor = rows.find((row) => row.getBoundingClientRect().bottom > edge);
    const before = anchor?.getBoundingClientRect().top ?? 0;
    this.#following = true;
    await change();
    await tick();
    this.#following = false;
    if (el && anchor?.isConnected) el.scrollTop += anchor.getBoundingClientRect().top - before;
    this.#look();
  }

  /** Brings a row to the middle; whether there is such a row. */
  show(key: string): boolean {
    const row = this.#scroller?.querySelector(`[data-row="${CSS.escape(key)}"]`);
    if (!row) return false;
    this.atEnd = false;
    row.scrollIntoView({ block: 'center' });
    return true;
  }
}
