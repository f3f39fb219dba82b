import { sha256Hex } from '@runnel/protocol';
import { expect, test } from 'vitest';
import { costOf, pastedProof, proofOf } from './receipt.ts';

const TEXT = 'Đi thôi.\nXong.\n';
const receipt = async (text = TEXT) => ({ sha256: await sha256Hex(text), bytes: new TextEncoder().encode(text).length });

test('W-10 a text is proved by its bytes and its digest, and by both', async () => {
  expect(await proofOf(TEXT, await receipt())).toBe('same');
  expect(await proofOf(`${TEXT} `, await receipt())).toBe('other');
  expect(await proofOf(TEXT, { ...(await receipt()), bytes: 3 })).toBe('other');
  expect(await proofOf(TEXT, { ...(await receipt()), sha256: 'x' })).toBe('other');
});

test('a pasted text may have other line ends and blanks around it, and no other word', async () => {
  for (const pasted of [TEXT, TEXT.trim(), ` ${TEXT}\n`, TEXT.replaceAll('\n', '\r\n')])
    expect(await pastedProof(pasted, await receipt())).toBe('same');
  for (const pasted of ['', 'Đi thôi.  Xong.', 'Đi thôi.\nxong.\n']) expect(await pastedProof(pasted, await receipt())).toBe('other');
});

test('what it cost is its tokens at the price of its model', () => {
  expect(costOf({ promptTokens: 1_000, completionTokens: 500 }, { input: 2, output: 8 })).toBeCloseTo(0.006);
  expect(costOf(undefined, { input: 2, output: 8 })).toBeNull();
  expect(costOf({ promptTokens: 1, completionTokens: 1 }, undefined)).toBeNull();
});
