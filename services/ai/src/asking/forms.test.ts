import type { Part } from '@runnel/protocol';
import { expect, test } from 'vitest';
import { judgeForm, questionOf, readAnswer, readForm, type InputForm } from './forms.ts';

const form = (properties: object, required: string[] = []): InputForm =>
  readForm('f', { message: 'Who are you?', requestedSchema: { type: 'object', properties, required } })!;

/** The questions of a form, decided so; null is a dismissal. */
const said = ({ fields, ...rest }: InputForm, answers: readonly (string | null)[]): Part[] =>
  fields.map((field, index) => ({
    ...{ partId: `q${index}`, index, at: 0, kind: 'question', of: 'p', ...questionOf({ fields, ...rest }, field) },
    ...(answers[index] === null ? { state: 'dismissed' } : { state: 'answered', answer: answers[index]! }),
  }));

test('a form is a question for each of its fields, with the choices it gives', () => {
  const asked = form(
    {
      name: { type: 'string', title: 'Your name' },
      size: { type: 'string', enum: ['s', 'l'], enumNames: ['Small', 'Large'] },
      sure: { type: 'boolean', description: 'No way back.' },
    },
    ['name'],
  );
  expect(asked.fields.map((field) => questionOf(asked, field)).map(({ text, choices }) => [text, choices])).toEqual([
    ['Who are you?\nYour name', undefined],
    ['Who are you?\nsize\n(It may be left out.)', ['Small', 'Large']],
    ['Who are you?\nsure\nNo way back.\n(It may be left out.)', ['Yes', 'No']],
  ]);
});

test('a form without fields is agreed to or not', () => {
  const asked = form({});
  expect(questionOf(asked, asked.fields[0]!)).toMatchObject({ text: 'Who are you?', choices: ['Yes', 'No'] });
  expect(judgeForm(said(asked, ['Yes']))).toEqual({ answer: { action: 'accept', content: {} } });
  expect(judgeForm(said(asked, ['No']))).toEqual({ answer: { action: 'decline' } });
  expect(judgeForm(said(asked, [null]))).toEqual({ answer: { action: 'decline' } });
});

test('what nobody here can be asked is no form: an address to open, too many fields, no words', () => {
  const many = Object.fromEntries(Array.from({ length: 21 }, (_, n) => [`f${n}`, { type: 'string' }]));
  for (const params of [
    null,
    {},
    { message: 'x', mode: 'url', url: 'https://evil.example' },
    { message: 'x', requestedSchema: 'y' },
    { message: 'x', requestedSchema: { properties: { a: 'string' } } },
    { message: 'x', requestedSchema: { properties: many } },
    { message: 'x', requestedSchema: { properties: { a: { description: 'x'.repeat(9_000) } } } },
  ])
    expect(readForm('f', params)).toBeNull();
});

test.each([
  [{ type: 'string' }, ' ann ', { value: 'ann' }],
  [{ type: 'string', minLength: 2 }, 'a', { wrong: 'At least 2.' }],
  [{ type: 'string', maxLength: 1 }, '😀', { value: '😀' }],
  [{ type: 'integer', minimum: 1, maximum: 3 }, '2', { value: 2 }],
  [{ type: 'integer' }, '2.5', { wrong: 'It has to be a whole number.' }],
  [{ type: 'number' }, 'NaN', { wrong: 'It has to be a number.' }],
  [{ type: 'number', maximum: 3 }, '4', { wrong: 'At most 3.' }],
  [{ type: 'boolean' }, 'có', { value: true }],
  [{ type: 'boolean' }, 'perhaps', { wrong: 'Yes or no.' }],
  [{ type: 'string', enum: ['s', 'l'], enumNames: ['Small', 'Large'] }, 'large', { value: 'l' }],
  [{ type: 'string', enum: ['s'] }, 'x', { wrong: 'It is none of the choices.' }],
  [{ type: 'string', oneOf: [{ const: 'r', title: 'Red' }] }, 'Red', { value: 'r' }],
  [{ type: 'array', items: { type: 'string', enum: ['a', 'b'] } }, 'a, b', { value: ['a', 'b'] }],
  [{ type: 'array', items: { anyOf: [{ const: 'r', title: 'Red' }] } }, 'Red', { value: ['r'] }],
  [{ type: 'array', items: { enum: ['a'] } }, 'a, x', { wrong: 'x is none of them.' }],
  [{ type: 'array', minItems: 2, items: { enum: ['a', 'b'] } }, 'a', { wrong: 'At least 2.' }],
])('%j takes %s', (schema, text, expected) => {
  expect(readAnswer(schema, text)).toEqual(expected);
});

test('what may be left out is left out, and without what may not the form is declined', () => {
  const asked = form({ name: { type: 'string' }, age: { type: 'integer' } }, ['name']);
  expect(judgeForm(said(asked, ['ann', null]))).toEqual({ answer: { action: 'accept', content: { name: 'ann' } } });
  expect(judgeForm(said(asked, [null, '7']))).toEqual({ answer: { action: 'decline' } });
  expect(judgeForm([])).toEqual({ answer: { action: 'cancel' } });
});

test('what does not fit is asked again with why, and the later question counts', () => {
  const asked = form({ age: { type: 'integer' } }, ['age']);
  const first = said(asked, ['old']);
  const judged = judgeForm(first) as { again: Pick<Part, 'text' | 'field'>[] };
  expect(judged.again).toMatchObject([{ text: 'Who are you?\nIt has to be a number.', field: { name: 'age' } }]);
  const second: Part = { ...first[0]!, ...judged.again[0], partId: 'q9', index: 9, answer: '7' };
  expect(judgeForm([...first, second])).toEqual({ answer: { action: 'accept', content: { age: 7 } } });
});

test('a field may have any name', () => {
  const asked = readForm('f', JSON.parse('{"message":"m","requestedSchema":{"properties":{"__proto__":{"type":"string"}}}}'))!;
  expect(JSON.stringify(judgeForm(said(asked, ['x'])))).toBe('{"answer":{"action":"accept","content":{"__proto__":"x"}}}');
});
