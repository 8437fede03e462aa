/**
 * The scripted backend's answers for blocks, passages, models and endpoints.
 */
import type { BlockView, MemoryChange, PassageView, ProvenanceView } from '../generated';
import { found, refuse, type Handlers, type Stage } from './handlers';
import { modelOf } from './models';
import { newId, passageOf, you } from './world';

type BlockMethod =
  | 'listBlocks' | 'createBlock' | 'updateBlock' | 'deleteBlock' | 'restoreBlock' | 'attachBlock' | 'detachBlock'
  | 'listRevisions' | 'undoRevision';

/** Marks changes of turns as undone or not, and tells so. */
function mark({ world, log }: Stage, undone: boolean, isMeant: (what: MemoryChange['what']) => boolean): void {
  for (const change of world.changes) {
    if (change.undone === undone || !isMeant(change.what)) continue;
    change.undone = undone;
    log.emit({ type: 'MemoryChangeMarked', change: { ...change } }, change.provenance.agentId, change.turnId);
  }
}

export function blockHandlers(stage: Stage): Pick<Handlers, BlockMethod> {
  const { world, log, nowMs } = stage;
  const blockOfId = (id: string): BlockView => found(world.blocks.find((block) => block.id === id), 'block');
  const write = (block: BlockView, value: string, provenance: ProvenanceView): BlockView => {
    if ([...value].length > block.limitChars) {
      refuse('OverLimit', `The text has ${[...value].length} characters and ${block.label} may have ${block.limitChars}.`, 'Shorten it, or raise the limit.');
    }
    const before = block.value;
    Object.assign(block, { value, chars: [...value].length, revision: block.revision + 1, provenance, updatedAtMs: nowMs() });
    const revision = { number: block.revision, before, after: value, provenance, createdAtMs: nowMs() };
    world.revisions.set(block.id, [revision, ...(world.revisions.get(block.id) ?? [])]);
    return block;
  };
  const changed = (block: BlockView): BlockView => {
    log.emit({ type: 'BlocksChanged' });
    return { ...block };
  };
  return {
    listBlocks: ({ agentId, deleted }) =>
      world.blocks
        .filter((block) => (block.deletedAtMs !== null) === deleted && (agentId === undefined || block.agentIds.includes(agentId)))
        .map((block) => ({ ...block })),
    createBlock: ({ agentId, label, description, value, limitChars, readOnly }) => {
      if (/\s/.test(label)) refuse('Invalid', 'A label has no spaces.', 'Use an underscore.');
      const block: BlockView = {
        id: newId('block'), label, description: description ?? '', value: value ?? '', chars: [...(value ?? '')].length,
        limitChars: limitChars ?? 20_000, readOnly: readOnly ?? false, agentIds: [agentId], revision: 1, provenance: you,
        updatedAtMs: nowMs(), deletedAtMs: null,
      };
      world.blocks.push(block);
      return changed(block);
    },
    updateBlock: ({ blockId, value, seenRevision, ...changes }) => {
      const block = blockOfId(blockId);
      if (value !== undefined && seenRevision !== undefined && seenRevision !== block.revision) {
        refuse('Conflict', `${block.label} was changed meanwhile. Your text is still here.`);
      }
      Object.assign(block, Object.fromEntries(Object.entries(changes).filter(([, change]) => change !== undefined)));
      if (value !== undefined && value !== block.value) write(block, value, you);
      mark(stage, true, (what) => what.type === 'BlockRenamed' && what.blockId === blockId && what.before === block.label);
      return changed(block);
    },
    deleteBlock: ({ blockId }) => {
      changed(Object.assign(blockOfId(blockId), { deletedAtMs: nowMs() }));
      mark(stage, true, (what) => what.type === 'Block' && what.blockId === blockId && what.before === null);
      return {};
    },
    restoreBlock: ({ blockId }) => {
      const block = Object.assign(blockOfId(blockId), { deletedAtMs: null });
      mark(stage, true, (what) => what.type === 'BlockRemoved' && what.blockId === blockId);
      return changed(block);
    },
    attachBlock: ({ agentId, blockId }) => {
      const block = blockOfId(blockId);
      return changed(Object.assign(block, { agentIds: [...new Set([...block.agentIds, agentId])] }));
    },
    detachBlock: ({ agentId, blockId }) => {
      const block = blockOfId(blockId);
      return changed(Object.assign(block, { agentIds: block.agentIds.filter((id) => id !== agentId) }));
    },
    listRevisions: ({ blockId }) =>
      world.revisions.get(blockId) ?? [{ number: 1, before: null, after: blockOfId(blockId).value, provenance: you, createdAtMs: nowMs() }],
    undoRevision: ({ blockId, number }) => {
      const revision = found(world.revisions.get(blockId)?.find((candidate) => candidate.number === number), 'revision');
      const block = blockOfId(blockId);
      const text = block.value === revision.after ? (revision.before ?? '') : block.value.replace(revision.after, revision.before ?? '');
      mark(stage, true, (what) => what.type === 'Block' && what.blockId === blockId && what.revision === number);
      return changed(write(block, text, { ...you, tool: 'undo' }));
    },
  };
}

type ArchiveMethod =
  | 'searchPassages' | 'createPassage' | 'updatePassage' | 'deletePassages' | 'restorePassages' | 'listTags';

export function archiveHandlers(stage: Stage): Pick<Handlers, ArchiveMethod> {
  const { world, log, nowMs } = stage;
  const live = (agentId: string): PassageView[] =>
    world.passages.filter((passage) => passage.agentId === agentId && passage.deletedAtMs === null);
  const move = (ids: readonly string[], deletedAtMs: number | null): Record<string, never> => {
    world.passages = world.passages.map((passage) => (ids.includes(passage.id) ? { ...passage, deletedAtMs } : passage));
    mark(stage, deletedAtMs !== null, (what) => what.type === 'PassageSaved' && ids.includes(what.passage.id));
    log.emit({ type: 'PassagesChanged' });
    return {};
  };
  return {
    searchPassages: ({ agentId, query = '', tags = [], sort, offset = 0, limit, fromMs, toMs, asOfMs = nowMs() }) => {
      const words = query.toLowerCase().split(/\s+/).filter(Boolean);
      const matches = live(agentId)
        .filter((passage) => words.length === 0 || words.some((word) => passage.text.toLowerCase().includes(word)))
        .filter((passage) => (passage.validFromMs ?? passage.createdAtMs) <= asOfMs && asOfMs < (passage.validToMs ?? Infinity))
        .filter((passage) => tags.every((tag) => passage.tags.includes(tag)))
        .filter((passage) => passage.createdAtMs >= (fromMs ?? 0) && passage.createdAtMs < (toMs ?? Infinity))
        .toSorted((a, b) => (sort === 'Oldest' ? 1 : -1) * (a.createdAtMs - b.createdAtMs));
      const hits = matches.slice(offset, offset + limit).map((passage) => ({
        passage,
        score: words.length,
        reasons: words.filter((word) => passage.text.toLowerCase().includes(word)).map((word) => `has the word: ${word}`),
      }));
      return { hits, total: matches.length };
    },
    createPassage: ({ agentId, text, tags = [], document = null }) => {
      const agent = found(world.agents.find((candidate) => candidate.id === agentId), 'agent');
      const pieces = text.match(/[^]{1,1000}/gu) ?? [];
      const saved = pieces.map((piece) => passageOf(agent, piece, tags, nowMs(), { provenance: you, document }));
      world.passages.push(...saved);
      return saved;
    },
    updatePassage: ({ passageId, text, tags }) => {
      const passage = found(world.passages.find((candidate) => candidate.id === passageId), 'passage');
      Object.assign(passage, text === undefined ? {} : { text }, tags === undefined ? {} : { tags });
      return { ...passage };
    },
    deletePassages: ({ passageIds }) => move(passageIds, nowMs()),
    restorePassages: ({ passageIds }) => move(passageIds, null),
    listTags: ({ agentId }) => {
      const counts = new Map<string, number>();
      for (const tag of live(agentId).flatMap((passage) => passage.tags)) counts.set(tag, (counts.get(tag) ?? 0) + 1);
      return [...counts].map(([tag, passages]) => ({ tag, passages })).toSorted((a, b) => b.passages - a.passages);
    },
  };
}

type ModelMethod =
  | 'listModels' | 'loadModel' | 'addModelFile' | 'forgetModel' | 'downloadModel' | 'cancelDownload' | 'listEndpoints'
  | 'saveEndpoint' | 'deleteEndpoint' | 'checkEndpoint';

export function modelHandlers({ world, log }: Stage): Pick<Handlers, ModelMethod> {
  const modelOfHandle = (handle: string) => found(world.models.find((model) => model.handle === handle), 'model');
  const changed = <T>(result: T): T => {
    log.emit({ type: 'ModelsChanged' });
    return result;
  };
  return {
    listModels: () => world.models.map((model) => ({ ...model })),
    loadModel: ({ handle }) => changed(Object.assign(modelOfHandle(handle), { state: { type: 'Loaded' as const } })),
    addModelFile: ({ path }) => {
      if (!path.endsWith('.gguf')) refuse('Invalid', `${path} is not a GGUF file. Nothing was changed.`, 'Choose a file that ends in .gguf.');
      const model = modelOf(`file/${path}`, path.split('/').at(-1) ?? path, { origin: 'Added', sizeBytes: 1_200_000_000, licence: null });
      world.models.push(model);
      return changed(model);
    },
    forgetModel: ({ handle }) => {
      world.models = world.models.filter((model) => model.handle !== handle);
      return changed({});
    },
    downloadModel: ({ handle }) => {
      const model = modelOfHandle(handle);
      model.state = { type: 'Downloading', bytes: 120_000_000, of: model.sizeBytes ?? 1 };
      return changed({ ...model });
    },
    cancelDownload: ({ handle }) => {
      modelOfHandle(handle).state = { type: 'Downloadable' };
      return changed({});
    },
    listEndpoints: () => [...world.endpoints],
    saveEndpoint: ({ id, baseUrl, apiKey, models }) => {
      const { hostname } = new URL(baseUrl);
      const endpoint = {
        id, baseUrl, host: hostname, keyHint: apiKey ? apiKey.slice(-4) : null, models: models ?? ['llama-3.2'],
        loopback: ['127.0.0.1', 'localhost'].includes(hostname),
      };
      world.endpoints = [...world.endpoints.filter((other) => other.id !== id), endpoint];
      return changed(endpoint);
    },
    deleteEndpoint: ({ endpointId }) => {
      world.endpoints = world.endpoints.filter((endpoint) => endpoint.id !== endpointId);
      return changed({});
    },
    checkEndpoint: ({ baseUrl }) => {
      if (world.settings.offline && !/127\.0\.0\.1|localhost/.test(baseUrl)) {
        refuse('Offline', 'Resident is offline, so it did not ask.', 'Switch Offline off above, then check again.');
      }
      return { models: ['llama-3.2', 'qwen3'], latencyMs: 84 };
    },
  };
}
