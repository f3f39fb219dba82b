import { RunnelError } from '@runnel/protocol';
import type { Model } from './registry.ts';

/** Its name in metrics. */
export const UNKNOWN_MODEL = 'unknown';

/** Stands for a model that cannot answer: enough to end a run, with the text that stands, for a cancel or as failed. */
export const unknownModel = (error: RunnelError = new RunnelError('model-unknown')): Model => ({
  info: { id: UNKNOWN_MODEL, name: UNKNOWN_MODEL, provider: 'none', canContinue: false },
  model: UNKNOWN_MODEL,
  system: null,
  fallback: [],
  suspended: false,
  provider: {
    canContinue: false,
    stream() {
      throw error;
    },
  },
});
