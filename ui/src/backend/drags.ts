/**
 * Files that are dragged onto a window whose web view does not hand them to the page. The window's shell follows the
 * drag, and here it becomes the events that every browser has, at the element under the pointer: who takes files knows
 * of no other way.
 */

export type Drag =
  | { type: 'enter' | 'over'; x: number; y: number }
  | { type: 'leave' }
  | { type: 'drop'; x: number; y: number; names: string[] };

/** Tells of drags from now on; what it returns reads a file that was dropped, by its place among them. */
export type Dragged = (onDrag: (drag: Drag) => void) => (at: number) => Promise<ArrayBuffer>;

/** What web views tell of the same drag themselves. */
const THEIR_OWN = ['dragenter', 'dragover', 'dragleave', 'drop'] as const;

/** Makes drags that the shell follows into events of the page. */
export function passOn(dragged: Dragged): void {
  /** The element that the drag is over; `null` where there is none over the window. */
  let under: Element | null = null;

  function fire(type: string, target: Element, files: readonly File[], x = 0, y = 0): void {
    const dataTransfer = new DataTransfer();
    for (const file of files) dataTransfer.items.add(file);
    target.dispatchEvent(new DragEvent(type, { dataTransfer, bubbles: true, cancelable: true, clientX: x, clientY: y }));
  }

  // As long as it hovers, a page sees that there are files, and none of them.
  const unseen = [new File([], '')];

  function move(x: number, y: number): Element {
    const before = under;
    const target = document.elementFromPoint(x, y) ?? document.body;
    under = target;
    if (target !== before) {
      fire('dragenter', target, unseen, x, y);
      if (before) fire('dragleave', before, unseen, x, y);
    }
    fire('dragover', target, unseen, x, y);
    return target;
  }

  function leave(): void {
    if (under) fire('dragleave', under, unseen);
    under = null;
  }

  async function drop(x: number, y: number, names: readonly string[]): Promise<void> {
    const target = move(x, y);
    under = null;
    // A folder cannot be read; it is handed over as what is empty.
    const parts = await Promise.all(names.map((_, at) => read(at).catch(() => new ArrayBuffer(0))));
    fire('drop', target, parts.map((part, at) => new File([part], names[at] ?? '')), x, y);
  }

  const read = dragged((drag) => {
    if (drag.type === 'leave') leave();
    else if (drag.type === 'drop') void drop(drag.x, drag.y, drag.names);
    else move(drag.x, drag.y);
  });

  /** The web view's own events of the drag say that it may be dropped, and nothing else hears of them. */
  function hold(event: DragEvent): void {
    if (!event.isTrusted || under === null) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    if (event.dataTransfer) event.dataTransfer.dropEffect = 'copy';
  }
  for (const type of THEIR_OWN) window.addEventListener(type, hold, { capture: true });
}
