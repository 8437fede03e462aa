/**
 * A backend that lives in the page: for tests and screenshots, with the rules of the real one where the interface
 * shows them (limits, conflicts, one turn at a time). It is in no production build.
 */
import type { Backend, Method, Params, Result } from '../backend';
import type { ApiError, ExportedFile } from '../generated';
import { EventLog } from './events';
import { groupHandlers } from './groupHandlers';
import { GroupRunner } from './groupRunner';
import { chatHandlers, profileHandlers, type Handlers } from './handlers';
import { archiveHandlers, blockHandlers, modelHandlers } from './memoryHandlers';
import { travelHandlers } from './travelHandlers';
import { TurnRunner, type TurnScript } from './turn';
import type { World } from './world';

export interface ScriptedOptions {
  world: World;
  nowMs?: () => number;
  script?: TurnScript;
}

export class ScriptedBackend implements Backend {
  readonly world: World;
  readonly log: EventLog;
  readonly runner: TurnRunner;
  /** Links that were opened. */
  readonly opened: string[] = [];
  /** Methods that fail, with their errors. */
  readonly failing = new Map<Method, ApiError>();
  /** Files that were saved. */
  readonly saved: ExportedFile[] = [];
  /** What the file dialog answers. */
  pickedFile: string | null = null;
  readonly #handlers: Handlers;

  constructor({ world, nowMs = Date.now, script = { pace: 16 } }: ScriptedOptions) {
    this.world = world;
    this.log = new EventLog(nowMs);
    this.runner = new TurnRunner(world, this.log, nowMs, script);
    const stage = { world, log: this.log, runner: this.runner, nowMs };
    this.#handlers = {
      ...profileHandlers(stage),
      ...chatHandlers(stage),
      ...blockHandlers(stage),
      ...archiveHandlers(stage),
      ...modelHandlers(stage),
      ...travelHandlers(stage),
      ...groupHandlers(stage, new GroupRunner(world, this.log, nowMs, script)),
    };
  }

  async request<M extends Method>(method: M, params: Params<M>): Promise<Result<M>> {
    await Promise.resolve();
    const failure = this.failing.get(method);
    if (failure) throw failure;
    return this.#handlers[method](params);
  }

  subscribe: Backend['subscribe'] = (afterSeq, onEvents) => this.log.subscribe(afterSeq, onEvents);

  pickModelFile(): Promise<string | null> {
    return Promise.resolve(this.pickedFile);
  }

  saveFile(file: ExportedFile): Promise<string | null> {
    this.saved.push(file);
    return Promise.resolve(file.fileName);
  }

  openLink(url: string): Promise<void> {
    this.opened.push(url);
    return Promise.resolve();
  }
}
