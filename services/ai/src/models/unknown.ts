import { RunnelError } from '@runnel/protocol';
import type { Model } from './registry.ts';

/** Stands for a model that cannot answer: enough to end a run, with the text that stands, for a cancel or as failed. */
export const unknownModel = (error: RunnelError = new RunnelError('model-unknown')): Model => ({
  info: { id: 'unknown', name: 'unknown', provider: 'none', canContinue: false },
  model: 'unknown',
  system: null,
  provider: {
    canContinue: false,
    stream() {
      throw error;
    },
  },
});
