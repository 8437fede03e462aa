/**
 * The models of the scripted backend.
 */
import type { ModelView } from '../generated';

export function modelOf(handle: string, name: string, changes: Partial<ModelView> = {}): ModelView {
  return {
    handle,
    name,
    purpose: 'Language',
    remoteHost: null,
    state: { type: 'Available' },
    origin: null,
    isDefault: false,
    demonstration: false,
    sizeBytes: null,
    memoryBytes: null,
    fits: true,
    contextWindowTokens: 8192,
    licence: 'Apache-2.0',
    description: '',
    ...changes,
  };
}

export const MODELS: readonly ModelView[] = [
  modelOf('smollm2-135m-instruct', 'SmolLM2 135M', {
    state: { type: 'Loaded' },
    origin: 'Bundled',
    isDefault: true,
    demonstration: true,
    sizeBytes: 98_362_432,
    memoryBytes: 312_000_000,
    description: 'Small and quick. Comes with Resident.',
  }),
  modelOf('qwen3-1.7b', 'Qwen3 1.7B', {
    state: { type: 'Downloadable' },
    sizeBytes: 1_107_000_000,
    memoryBytes: 2_400_000_000,
    contextWindowTokens: 32_768,
    description: 'Chooses its tools itself and writes well.',
  }),
  modelOf('qwen3-8b', 'Qwen3 8B', {
    state: { type: 'Downloadable' },
    sizeBytes: 5_030_000_000,
    memoryBytes: 9_800_000_000,
    fits: false,
    contextWindowTokens: 32_768,
    description: 'For computers with more memory.',
  }),
  modelOf('all-minilm-l6-v2', 'MiniLM L6 v2', {
    purpose: 'Embedding',
    state: { type: 'Loaded' },
    origin: 'Bundled',
    isDefault: true,
    sizeBytes: 90_868_376,
    memoryBytes: 120_000_000,
    contextWindowTokens: 256,
    description: 'Finds what was meant.',
  }),
];
