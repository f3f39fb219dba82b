import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { digestOf, holdsKey, isApiKey, isWhole, newApiKey, prefixOf } from './api-key.ts';

describe('A-5 a key is known by its shape', () => {
  test('a new key has the prefix, a checksum and 238 random bits; no two are alike', () => {
    const keys = Array.from({ length: 500 }, newApiKey);
    expect(new Set(keys).size).toBe(500);
    for (const key of keys) {
      expect(key).toMatch(/^rk_[0-9A-Za-z]{46}$/);
      expect(isApiKey(key) && isWhole(key)).toBe(true);
      expect(key.startsWith(prefixOf(key))).toBe(true);
      expect(prefixOf(key)).toHaveLength(9);
    }
  });

  test('one wrong character is noticed', () => {
    const letters = fc.constantFrom(...'0123456789ABCXYZabcxyz');
    fc.assert(
      fc.property(fc.integer({ min: 3, max: 48 }), letters, (at, letter) => {
        const key = newApiKey();
        fc.pre(key[at] !== letter);
        expect(isWhole(key.slice(0, at) + letter + key.slice(at + 1))).toBe(false);
      }),
    );
  });

  test.each(['', 'rk_', 'rk_short', 'sk-abc', `rk_${'a'.repeat(47)}`, `Rk_${'a'.repeat(46)}`, 'eyJhbGciOi.J9.x'])('%j is none', (text) => {
    expect(isWhole(text)).toBe(false);
  });

  test('what begins like a key is never taken for another kind of token', () => {
    expect(isApiKey('rk_anything')).toBe(true);
    expect(isApiKey('eyJ.a.b')).toBe(false);
  });

  test('the digest is SHA-256 of the whole key', () => {
    const key = newApiKey();
    expect(digestOf(key)).toBe(createHash('sha256').update(key).digest('hex'));
  });

  test('a key in an address is found, also where it is encoded', () => {
    const key = newApiKey();
    for (const url of [`/api/me?key=${key}`, `/api/${key}`, `/api/me?a=%72k_${key.slice(3)}`, `/api/me?a=rk%5F${key.slice(3)}`])
      expect(holdsKey(url), url).toBe(true);
    for (const url of ['/api/me', '/api/me?a=rk_', '/api/me?a=%zz', `/c/${key.slice(3)}`]) expect(holdsKey(url), url).toBe(false);
  });
});
