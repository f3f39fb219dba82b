import { ERRORS } from '@runnel/protocol';
import { expect, test } from 'vitest';
import { en } from '../../locales/en.ts';
import { vi } from '../../locales/vi.ts';
import { failureKey } from './failures.ts';

test.each([...Object.keys(ERRORS), 'of-a-later-release'])('there are words for an answer that failed with %s', (code) => {
  const key = failureKey(code);
  expect(en.why).toHaveProperty(key);
  expect(vi.why).toHaveProperty(key);
});
