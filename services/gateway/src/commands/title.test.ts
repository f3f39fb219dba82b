import { titleOf } from '@runnel/coordination';
import { expect, test } from 'vitest';
import { checkTitle } from './title.ts';

test('a conversation is called by the first line of its first prompt', () => {
  expect(titleOf('  Xin   chào\nthế giới')).toBe('Xin chào');
  expect([...titleOf('á'.repeat(200))]).toHaveLength(80);
  expect(checkTitle(' a \n b ')).toBe('a b');
  expect(() => checkTitle(' \n ')).toThrow(expect.objectContaining({ code: 'empty' }));
  expect(() => checkTitle('á'.repeat(201))).toThrow(expect.objectContaining({ code: 'too-long' }));
});
