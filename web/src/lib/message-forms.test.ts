import { expect, test } from 'vitest';
import { i18n } from '../i18n.ts';
import { said } from './message-forms.ts';

const asked = { named: (name: string) => ({ count: 3, name: '{count}' })[name], plural: (forms: readonly string[]) => forms.at(-1)! };

test.each([
  ['Nothing to fill in', 'Nothing to fill in'],
  ['{count} of {count}', '3 of 3'],
  ['One | {count}', '3'],
  ['a|b || c', 'a|b || c'],
  ['What is put in is not read again: {name}', 'What is put in is not read again: {count}'],
  ['{nobody} said', ' said'],
])('%s', (text, spoken) => {
  expect(said(text)(asked)).toBe(spoken);
});

test('numbers choose their form', () => {
  const { t } = i18n.global;
  expect([0, 1, 2].map((count) => t('search.count', count))).toEqual(['Nothing found', 'One message found', '2 messages found']);
  expect([1, 2].map((count) => t('chat.others', { count }, count))).toEqual(['Also open in 1 other place', 'Also open in 2 other places']);
});
