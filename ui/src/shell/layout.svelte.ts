/**
 * The panes: which are open, how wide, and whether there is room for them side by side. Kept on this computer only.
 *
 * Widths are compared in text-relative pixels, so that large text folds the panes as a narrow window does.
 */
const KEY = 'resident.layout';
const INSPECTOR_MIN = 320;
const INSPECTOR_MAX = 420;
/** Below this the inspector slides over. */
const WIDE = 1000;
/** Below this the sidebar does too. */
const MEDIUM = 720;

export type InspectorTab = 'memory' | 'archive' | 'why';

interface Kept {
  sidebar: boolean;
  inspector: boolean;
  inspectorWidth: number;
}

function read(): Partial<Kept> {
  try {
    return JSON.parse(localStorage.getItem(KEY) ?? '{}') as Partial<Kept>;
  } catch {
    return {};
  }
}

export class Layout {
  width = $state(1280);
  textPercent = $state(100);
  tab = $state<InspectorTab>('memory');
  inspectorWidth = $state(352);
  #sidebar = $state(true);
  #inspector = $state(true);
  /** The pane that slides over, where there is no room beside. */
  over = $state<'sidebar' | 'inspector' | null>(null);

  constructor() {
    const kept = read();
    this.#sidebar = kept.sidebar ?? true;
    this.#inspector = kept.inspector ?? true;
    this.inspectorWidth = kept.inspectorWidth ?? 352;
    if (typeof window !== 'undefined') this.width = window.innerWidth;
  }

  get #room(): number {
    return this.width / (this.textPercent / 100);
  }

  get inspectorFits(): boolean {
    return this.#room >= WIDE;
  }

  get sidebarFits(): boolean {
    return this.#room >= MEDIUM;
  }

  get sidebarExpanded(): boolean {
    return this.sidebarFits ? this.#sidebar : this.over === 'sidebar';
  }

  get inspectorOpen(): boolean {
    return this.inspectorFits ? this.#inspector : this.over === 'inspector';
  }

  toggleSidebar(): void {
    if (this.sidebarFits) this.#sidebar = !this.#sidebar;
    else this.over = this.over === 'sidebar' ? null : 'sidebar';
    this.#keep();
  }

  toggleInspector(): void {
    if (this.inspectorFits) this.#inspector = !this.#inspector;
    else this.over = this.over === 'inspector' ? null : 'inspector';
    this.#keep();
  }

  /** Opens the inspector at a tab. */
  show(tab: InspectorTab): void {
    this.tab = tab;
    if (!this.inspectorOpen) this.toggleInspector();
  }

  /** Closes what slides over; whether there was something. */
  closeOver(): boolean {
    const open = this.over !== null;
    this.over = null;
    return open;
  }

  resizeInspector(width: number): void {
    this.inspectorWidth = Math.round(Math.min(INSPECTOR_MAX, Math.max(INSPECTOR_MIN, width)));
    this.#keep();
  }

  #keep(): void {
    const kept: Kept = {
      sidebar: this.#sidebar,
      inspector: this.#inspector,
      inspectorWidth: this.inspectorWidth,
    };
    try {
      localStorage.setItem(KEY, JSON.stringify(kept));
    } catch {
      // Without storage the panes open as they are by default.
    }
  }
}
