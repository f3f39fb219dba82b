import { MODEL_INPUTS, MODEL_PARAM_NAMES, type ModelEntry, type ModelInput, type ModelParam } from '@runnel/protocol/http';

type Accepted = ModelParam | ModelInput;

const LENGTH = ['max_tokens', 'max_completion_tokens', 'stop'] as const satisfies Accepted[];
const SAMPLING = ['temperature', 'top_p', 'seed'] as const satisfies Accepted[];

/**
 * What an adapter carries out, or passes on to who does. Models that are none (demo, count) say the same at any temperature, so those are
 * kept by doing nothing.
 */
const BY_PROVIDER: Readonly<Record<ModelEntry['provider'], readonly Accepted[]>> = {
  demo: [...LENGTH, ...SAMPLING, 'user', 'turn_files'],
  count: [...LENGTH, ...SAMPLING, 'user', 'turn_files'],
  local: [...LENGTH, ...SAMPLING, 'turn_files'],
  anthropic: [...LENGTH, 'temperature', 'top_p', 'user', 'turn_files'],
  'openai-compatible': [...MODEL_PARAM_NAMES, ...MODEL_INPUTS.filter((input) => input !== 'prefill')],
};

/** What an API's caller may send to a model of this kind (`ModelInfo.accepts`). */
export const acceptedBy = (provider: ModelEntry['provider'], canContinue: boolean): Accepted[] => [
  ...BY_PROVIDER[provider],
  ...(canContinue && provider !== 'demo' && provider !== 'count' ? (['prefill'] as const) : []),
];
