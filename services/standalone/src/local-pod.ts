import type { AiApp } from '@runnel/ai';
import type { AiPod, AiPods, Offer } from '@runnel/gateway';

const OFFERS = { claimed: 'accepted', owned: 'taken', gone: 'taken', unsuited: 'unsuited', full: 'full', draining: 'draining' } as const;

/** The AI service of this process as a gateway's only pod: a call instead of HTTP. */
export const localPods = (ai: Pick<AiApp, 'worker' | 'models'>): AiPods => {
  const pod: AiPod = {
    url: 'in-process',
    open: false,
    load: 0,
    async offer({ conversationId, runId }): Promise<Offer> {
      const { outcome } = await ai.worker.take({ conversationId, runId });
      return OFFERS[outcome];
    },
    models: async () => [...ai.models.list()],
  };
  return { list: () => [pod], close: () => {} };
};
