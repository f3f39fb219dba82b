import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { shapeOf } from './shape.ts';
import { tellShapes, type Shapes } from './story.ts';

test('a shape names the kinds, says which fields some lack, and tells one name from another', () => {
  expect(
    shapeOf([
      { a: 1, b: null },
      { a: 2, b: 'x', c: [[1], [2, 3]] },
    ]),
  ).toEqual({ a: 'number', b: 'null|string', 'c?': [['number']] });
  expect(shapeOf([{ usage: { promptTokens: 1 } }])).not.toEqual(shapeOf([{ usage: { inputTokens: 1 } }]));
});

test('the audit events and HTTP answers of a real run have the shapes that were recorded (`node e2e/shapes/record.ts`)', async () => {
  const recorded = JSON.parse(await readFile(join(import.meta.dirname, 'recorded.json'), 'utf8')) as Shapes;
  expect(await tellShapes()).toEqual(recorded);
}, 120_000);
