import { expect, test } from 'vitest';
import { preferredLocale } from '../i18n.ts';
import { en } from './en.ts';
import { vi } from './vi.ts';

type Tree = { [key: string]: string | Tree };

const flat = (tree: Tree, prefix = ''): [string, string][] =>
  Object.entries(tree).flatMap(([key, value]) => (typeof value === 'string' ? [[prefix + key, value]] : flat(value, `${prefix}${key}.`)));

const placeholders = (text: string): string[] => [...new Set(text.match(/\{\w+\}/g))].sort();

test('every message is translated and keeps its placeholders', () => {
  const vietnamese = new Map(flat(vi));
  for (const [key, text] of flat(en)) {
    expect(vietnamese.get(key), key).toBeTruthy();
    expect(placeholders(vietnamese.get(key)!), key).toEqual(placeholders(text));
  }
});

test("the language is the first of the browser's that there is", () => {
  expect(preferredLocale(['fr-FR', 'vi-VN', 'en-US'])).toBe('vi');
  expect(preferredLocale(['en-GB', 'vi'])).toBe('en');
  expect(preferredLocale(['fr'])).toBe('en');
});
