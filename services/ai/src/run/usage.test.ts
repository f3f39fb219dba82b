import { expect, test } from 'vitest';
import { estimateUsage } from './usage.ts';

test('four UTF-8 bytes count as a token, a begun one too', () => {
  const messages = [
    { role: 'system' as const, text: 'abcd' },
    { role: 'user' as const, text: 'việt' },
  ];
  expect(estimateUsage(messages, 9)).toEqual({ promptTokens: 3, completionTokens: 3 });
  expect(estimateUsage([], 0)).toEqual({ promptTokens: 0, completionTokens: 0 });
});
