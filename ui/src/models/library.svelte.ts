/**
 * Models, local and remote, and the endpoints behind the remote ones.
 */
import type { Backend, Params } from '../backend/backend';
import { toApiError } from '../backend/errors';
import type { ApiError, EndpointCheck, EndpointView, ModelView } from '../backend/generated';
import { computerOf } from '../format/words';

export class ModelLibrary {
  models = $state.raw<readonly ModelView[]>([]);
  endpoints = $state.raw<readonly EndpointView[]>([]);
  state = $state<'loading' | 'ready' | 'failed'>('loading');
  error = $state.raw<ApiError | null>(null);

  constructor(private readonly backend: Backend) {}

  async load(): Promise<void> {
    try {
      [this.models, this.endpoints] = await Promise.all([
        this.backend.request('listModels', {}),
        this.backend.request('listEndpoints', {}),
      ]);
      this.state = 'ready';
      this.error = null;
    } catch (error) {
      this.error = toApiError(error);
      this.state = 'failed';
    }
  }

  /** Models that answer. */
  get language(): readonly ModelView[] {
    return this.models.filter((model) => model.purpose === 'Language');
  }

  /** Models that could answer now. */
  get usable(): readonly ModelView[] {
    return this.language.filter((model) => isUsable(model));
  }

  /** Whether a host is an endpoint on the computer that Resident runs on. */
  isHere(host: string): boolean {
    return this.endpoints.some((endpoint) => endpoint.host === host && endpoint.loopback);
  }

  /** Where a model runs, in words. */
  whereItRuns(model: ModelView): string {
    return model.remoteHost === null ? `on ${computerOf(this.backend)}` : `at ${model.remoteHost}`;
  }

  /** The model of an agent: its own, or the profile's default. */
  of(handle: string | null): ModelView | undefined {
    return handle === null
      ? this.language.find((model) => model.isDefault)
      : this.language.find((model) => model.handle === handle);
  }

  /**
   * Where the default is the demonstration model: the smallest that could be downloaded and fits, since it is here
   * soonest and answers quickly on a computer without a graphics card. Larger ones are among the models.
   */
  get better(): ModelView | undefined {
    if (this.of(null)?.demonstration !== true) return undefined;
    return this.language
      .filter((model) => model.state.type === 'Downloadable' && model.fits === true)
      .toSorted((a, b) => (a.sizeBytes ?? Infinity) - (b.sizeBytes ?? Infinity))[0];
  }

  async use(handle: string): Promise<void> {
    await this.backend.request('loadModel', { handle });
    await this.load();
  }

  async addFile(path: string): Promise<ModelView> {
    const model = await this.backend.request('addModelFile', { path });
    await this.load();
    return model;
  }

  async forget(handle: string): Promise<void> {
    await this.backend.request('forgetModel', { handle });
    await this.load();
  }

  async download(handle: string): Promise<void> {
    await this.backend.request('downloadModel', { handle });
    await this.load();
  }

  async cancelDownload(handle: string): Promise<void> {
    await this.backend.request('cancelDownload', { handle });
    await this.load();
  }

  check(params: Params<'checkEndpoint'>): Promise<EndpointCheck> {
    return this.backend.request('checkEndpoint', params);
  }

  async saveEndpoint(params: Params<'saveEndpoint'>): Promise<EndpointView> {
    const endpoint = await this.backend.request('saveEndpoint', params);
    await this.load();
    return endpoint;
  }

  async deleteEndpoint(endpointId: string): Promise<void> {
    await this.backend.request('deleteEndpoint', { endpointId });
    await this.load();
  }
}

/** Whether a model can answer without a download. */
export function isUsable(model: ModelView): boolean {
  switch (model.state.type) {
    case 'Available':
    case 'Loading':
    case 'Loaded':
      return true;
    case 'Downloadable':
    case 'Downloading':
    case 'Failed':
      return false;
  }
}
