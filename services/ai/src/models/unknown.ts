import { RunnelError } from '@runnel/protocol';
import type { Model } from './registry.ts';

/** Stands for a model this pod does not have: enough to end a run of it whose cancel is wanted. */
export const unknownModel = (): Model => ({
  info: { id: 'unknown', name: 'unknown', provider: 'none', canContinue: false },
  model: 'unknown',
  system: null,
  provider: {
    canContinue: false,
    stream() {
      throw new RunnelError('model-unknown');
    },
  },
});
