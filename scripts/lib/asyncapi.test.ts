import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Check } from 'typebox/schema';
import { fromOutbox, type AuditEvent } from '@runnel/protocol/audit';
import { asyncApi } from './asyncapi.ts';

interface Document {
  channels: Record<string, { messages: Record<string, unknown> }>;
  components: { messages: Record<string, { payload: { schema: object } }> };
}
const committed = readFileSync(join(import.meta.dirname, '../../docs/asyncapi.json'), 'utf8');

test('docs/asyncapi.json is what the schemas of the events say: `npm run docs` writes it', () => {
  expect(committed).toBe(asyncApi());
});

test('the document reads an event that Runnel reads, and refuses one that lacks a field', () => {
  const { channels, components } = JSON.parse(committed) as Document;
  const event: AuditEvent = fromOutbox({
    ...{ id: 'log:a1', type: 'TITLE_CHANGED', conversation: 'c1', time: '1782864000000', trace: '' },
    data: JSON.stringify({ userId: 'ann', title: 'Mới' }),
  });
  const { schema } = components.messages['TITLE_CHANGED']!.payload;
  expect(Check(schema, JSON.parse(JSON.stringify(event)))).toBe(true);
  expect(Check(schema, { ...event, data: { userId: 'ann' } })).toBe(false);
  const named = Object.values(channels).flatMap(({ messages }) => Object.keys(messages));
  expect(named.toSorted()).toEqual(Object.keys(components.messages).toSorted());
  expect(named).not.toContain('ADMIN_READ');
});
