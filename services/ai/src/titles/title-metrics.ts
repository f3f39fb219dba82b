import { startAtZero, type Metrics } from '@runnel/kit';
import type { ProposeTitleResult } from '@runnel/coordination';
import type { Usage } from '@runnel/protocol';

/**
 * What became of a title: of the store's words, and `unusable` nothing the model said may be one, `failed` it gave an error, `late` it took too
 * long, `unstored` the store did not answer. Not asked for: `resting` after failures, `limited` too many at a time or in a minute, `full` its model
 * has no place, `no-model` it is not served here.
 */
export const TITLE_OUTCOMES = [
  ...(['named', 'kept', 'doubtful', 'gone'] as const satisfies ProposeTitleResult['outcome'][]),
  ...(['unusable', 'failed', 'late', 'unstored', 'resting', 'limited', 'full', 'no-model'] as const),
] as const;
export type TitleOutcome = (typeof TITLE_OUTCOMES)[number];

export const createTitleMetrics = (metrics: Metrics) => {
  const titles = metrics.counter('runnel_ai_titles_total', 'Conversations that wanted a title of TITLE_MODEL, by what became of it', [
    'outcome',
  ]);
  startAtZero(titles, { outcome: TITLE_OUTCOMES });
  const tokens = metrics.counter('runnel_ai_title_tokens_total', 'Tokens that titles have cost, which no answer shows', ['kind']);
  startAtZero(tokens, { kind: ['prompt', 'completion'] });
  return {
    ended: (outcome: TitleOutcome): void => titles.inc({ outcome }),
    cost({ promptTokens, completionTokens }: Usage): void {
      tokens.inc({ kind: 'prompt' }, promptTokens);
      tokens.inc({ kind: 'completion' }, completionTokens);
    },
  };
};
export type TitleMetrics = ReturnType<typeof createTitleMetrics>;
