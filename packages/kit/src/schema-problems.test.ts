import { Type } from 'typebox';
import { expect, test } from 'vitest';
import { schemaProblems } from './schema-problems.ts';

const List = Type.Array(
  Type.Object(
    {
      id: Type.String({ pattern: '^[a-z]+$' }),
      kind: Type.Optional(Type.Enum(['small', 'large'])),
      apiKeyEnv: Type.Optional(Type.String({ pattern: '^[A-Z]+$' })),
      limits: Type.Optional(Type.Object({ ms: Type.Optional(Type.Integer({ minimum: 1 })) }, { additionalProperties: false })),
    },
    { additionalProperties: false },
  ),
  { minItems: 1 },
);

test.each([
  [[{ id: 'a', kind: 'huge' }], ['/0/kind is "huge": one of small, large']],
  [[{ id: 'a' }, { id: 'b', Kind: 'small' }], ['/1/Kind is not known: one of id, kind, apiKeyEnv, limits']],
  [[{ id: 'a', limits: { ms: 0, s: 1 } }], ['/0/limits/s is not known: one of ms', '/0/limits/ms is 0: must be >= 1']],
  [[{ kind: 'small' }], ['/0/id is missing']],
  [[{ id: 'A b' }], ['/0/id is "A b": must match pattern "^[a-z]+$"']],
  [[], ['is []: must not have fewer than 1 items']],
  [{}, ['is {}: must be array']],
  [[{ id: 7 }], ['/0/id is 7: must be string']],
])('%j is told by path, value and what is allowed', (value, problems) => {
  expect(schemaProblems(List, value)).toEqual(problems);
});

test('what may be a key is not repeated, nor a password in an address, nor more than a line', () => {
  const said = schemaProblems(List, [
    { id: 'https://me:hunter2@host/x', apiKeyEnv: 'sk-secret-1' },
    { id: 'A'.repeat(5_000), 'sk-2': 1 },
  ]);
  expect(said).toHaveLength(4);
  for (const line of said) {
    expect(line).not.toMatch(/hunter2|sk-secret/);
    expect(line.length).toBeLessThan(200);
  }
  expect(
    schemaProblems(
      List,
      Array.from({ length: 50 }, () => ({})),
    ).length,
  ).toBe(8);
});
