import { expect, test } from 'vitest';
import { estimateUsage, sumUsage } from './usage.ts';

test('four UTF-8 bytes count as a token, a begun one too', () => {
  const messages = [
    { role: 'system' as const, text: 'abcd' },
    { role: 'user' as const, text: 'việt' },
  ];
  expect(estimateUsage(messages, 9)).toEqual({ promptTokens: 3, completionTokens: 3, estimated: true });
  expect(estimateUsage([], 0)).toEqual({ promptTokens: 0, completionTokens: 0, estimated: true });
});

test('a sum is an estimate where one part is', () => {
  const told = { promptTokens: 1, completionTokens: 2 };
  expect(sumUsage(told, told)).toEqual({ promptTokens: 2, completionTokens: 4 });
  expect(sumUsage(told, estimateUsage([], 8))).toEqual({ promptTokens: 1, completionTokens: 4, estimated: true });
});
