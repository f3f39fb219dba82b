import { expect, test } from 'vitest';
import { SCENARIOS } from '../scenarios/index.ts';
import { readPart, scenariosOf } from './scenario.ts';

test('each scenario is tried once: in one of the parts that run side by side, or alone', () => {
  for (const of of [1, 2, 3]) {
    const parts = [...Array.from({ length: of }, (_, i) => `${i + 1}/${of}`), 'alone'];
    const tried = parts.flatMap((part) => scenariosOf(SCENARIOS, readPart(part)).map(({ name }) => name));
    expect(tried.toSorted()).toEqual(SCENARIOS.map(({ name }) => name).toSorted());
  }
  expect(scenariosOf(SCENARIOS, readPart(undefined))).toEqual(SCENARIOS);
});

test('a part that is none is refused', () => {
  for (const text of ['3/2', '0/2', 'x', '1', '1.5/2']) expect(() => readPart(text)).toThrow(text);
});
