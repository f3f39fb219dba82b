import { DEFAULT_MODEL } from '@runnel/coordination';
import { ConfigError } from '@runnel/kit';
import { systemClock, type Clock } from '../runs/clock.ts';
import { createCountProvider } from './count.ts';
import { createDemoProvider } from './demo.ts';
import { acceptedBy } from './accepts.ts';
import { guard } from './guard.ts';
import { withLimits } from './limits.ts';
import { createLocalProvider } from './local.ts';
import { infoOf, modelProblems } from './model-config.ts';
import { createPool, MOST_ASKED, type EndpointOutcome } from './endpoints/pool.ts';
import { endpointEntries } from './endpoints/entries.ts';
import { connectionOf } from './remote/connection.ts';
import type { ChatProvider } from './provider.ts';
import type { ModelEntry, PodModel } from '@runnel/protocol/http';
import { anthropicMessages } from './remote/anthropic-messages.ts';
import { openAiChat } from './remote/openai-chat.ts';
import { createRemoteProvider } from './remote/provider.ts';
import { DEFAULT_TIMEOUTS, withTimeouts, type Timeouts } from './watchdog.ts';

export interface Model {
  info: PodModel;
  /** Its name at the provider. */
  model: string;
  system: string | null;
  /** Models that answer in its place, in this order. */
  fallback: readonly string[];
  /** Answers at a time, over all pods; undefined: as many as there is room for. */
  maxConcurrentRuns?: number | undefined;
  /** Nobody picks it, and no other falls back to it. */
  suspended: boolean;
  /** Guarded. */
  provider: ChatProvider;
}

export interface ModelRegistry {
  list(): PodModel[];
  /** Also by DEFAULT_MODEL. */
  get(id: string): Model | undefined;
  /** For `claimRun`: the models this pod runs, true where it can continue a text. */
  suited: Readonly<Record<string, boolean>>;
  /** Never rejects. */
  warmUp(): Promise<void>;
  close(): Promise<void>;
}

export interface ModelsOptions {
  /** Where `apiKeyEnv` is looked up. */
  env?: Readonly<Record<string, string | undefined>>;
  clock?: Clock;
  /** The setting that the entries are from, for what is said of mistakes. */
  from?: 'MODELS' | 'MODELS_FILE';
  /** What became of one request to one of a model's endpoints. */
  onEndpoint?: ((model: string, endpoint: string, outcome: EndpointOutcome) => void) | undefined;
  /** A model that is the same as before. */
  reuse?: (entry: ModelEntry) => Model | undefined;
}

/** @throws ConfigError with every problem of the entries */
export const createModelRegistry = (
  entries: readonly ModelEntry[],
  { env = {}, clock = systemClock, from = 'MODELS', reuse, onEndpoint }: ModelsOptions = {},
): ModelRegistry => {
  const problems = modelProblems(entries, env);
  if (problems.length > 0) throw new ConfigError(problems.map((problem) => `${from} ${problem}`));
  const offered = entries.filter(({ suspended }) => !suspended);
  const standard = offered.find((entry) => entry.default) ?? offered[0];
  const modelOf = (entry: ModelEntry): Model => {
    const { info, ...model } = reuse?.(entry) ?? createModel(entry, { env, clock, onEndpoint });
    return { ...model, info: infoFor(entry, { canContinue: info.canContinue, isDefault: entry === standard }) };
  };
  const models = new Map(entries.map((entry) => [entry.id, modelOf(entry)]));
  const named = new Map(models);
  const fallback = standard && models.get(standard.id);
  if (fallback && !named.has(DEFAULT_MODEL)) named.set(DEFAULT_MODEL, fallback);
  return {
    list: () =>
      offered.map(({ id }) => {
        const { info, provider } = models.get(id)!;
        return provider.isDown?.() ? { ...info, down: true } : info;
      }),
    get: (id) => named.get(id),
    suited: Object.fromEntries([...named].map(([id, { provider }]) => [id, provider.canContinue])),
    async warmUp() {
      await Promise.allSettled([...models.values()].map(({ provider }) => provider.warmUp?.()));
    },
    async close() {
      await Promise.allSettled([...models.values()].map(({ provider }) => provider.close?.()));
    },
  };
};

const infoFor = (entry: ModelEntry, of: { canContinue: boolean; isDefault: boolean }): PodModel => ({
  ...infoOf(entry, of),
  accepts: acceptedBy(entry.provider, of.canContinue),
});

interface Making {
  env: NonNullable<ModelsOptions['env']>;
  clock: Clock;
  onEndpoint: ModelsOptions['onEndpoint'];
}

const createModel = (entry: ModelEntry, making: Making): Model => {
  const timeouts = { ...DEFAULT_TIMEOUTS, ...entry.timeouts };
  const { endpoints = [] } = entry;
  const bare = endpoints.length > 0 ? createPooled(entry, timeouts, making) : createProvider(entry, making);
  const remote = entry.provider === 'openai-compatible' || entry.provider === 'anthropic';
  const provider = guard(bare, {
    // Each endpoint has the time until its first token; who waits gets all of theirs.
    timeouts: { ...timeouts, firstTokenMs: timeouts.firstTokenMs * Math.max(1, Math.min(endpoints.length, MOST_ASKED)) },
    remote,
    clock: making.clock,
    // Another endpoint, or another model, is asked instead of the same once more.
    ...((entry.fallback || endpoints.length > 1) && { openings: 1 }),
  });
  return {
    info: infoFor(entry, { canContinue: provider.canContinue, isDefault: false }),
    model: entry.model ?? entry.id,
    system: entry.system ?? null,
    fallback: entry.fallback ?? [],
    suspended: entry.suspended ?? false,
    maxConcurrentRuns: entry.maxConcurrentRuns,
    provider,
  };
};

const createPooled = (entry: ModelEntry, timeouts: Timeouts, making: Making): ChatProvider => {
  const { clock, onEndpoint } = making;
  const endpoints = endpointEntries(entry).map(({ name, weight, entry: own }) => ({
    ...{ name, weight, model: own.model },
    provider: withTimeouts(createProvider(own, making), timeouts, clock),
  }));
  return createPool(endpoints, { clock, onOutcome: (endpoint, outcome) => onEndpoint?.(entry.id, endpoint, outcome) });
};

const createProvider = (entry: ModelEntry, { env, clock }: Pick<Making, 'env' | 'clock'>): ChatProvider => {
  switch (entry.provider) {
    case 'demo':
      return withLimits(createDemoProvider(clock), 'words');
    case 'count':
      return withLimits(createCountProvider(clock), 'words');
    case 'openai-compatible': {
      const settings = connectionOf(entry, env);
      return createRemoteProvider(openAiChat({ ...settings, continueBody: entry.continueBody }), settings);
    }
    case 'anthropic': {
      const settings = connectionOf(entry, env);
      return createRemoteProvider(anthropicMessages(settings), settings);
    }
    case 'local':
      return withLimits(
        createLocalProvider({ file: entry.model ?? '', temperature: entry.temperature, maxOutputTokens: entry.maxOutputTokens }),
        null,
      );
  }
};
