import type { Usage } from '@runnel/protocol';

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

/** What a provider counted, in tokens; undefined unless it told both, for half of it would say 0 of the other. Pure. */
export const wholeUsage = (promptTokens: unknown, completionTokens: unknown): Usage | undefined =>
  isCount(promptTokens) && isCount(completionTokens) ? { promptTokens, completionTokens } : undefined;
