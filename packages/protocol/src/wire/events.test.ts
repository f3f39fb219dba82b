import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, expectTypeOf, test } from 'vitest';
import { Check, Errors } from 'typebox/schema';
import type { ServerEvent } from '../events.ts';
import { SERVER_EVENTS, type WireEvent } from './events.ts';

type Kind = keyof typeof SERVER_EVENTS;
type Event = { type: Kind } & Record<string, unknown>;

interface Case {
  name: string;
  steps: { event?: Event }[];
}

/** Events that real gateways sent: what the clients' conformance cases were written from, without those that were spoiled to be a gap. */
const recorded = readFileSync(join(import.meta.dirname, '../../../../clients/conformance/cases.jsonl'), 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as Case)
  .filter(({ name }) => !name.includes('a gap'))
  .flatMap(({ steps }) => steps)
  .flatMap(({ event }) => (event && Object.hasOwn(SERVER_EVENTS, event.type) ? [event] : []));

test('the types that services and pages are written with are those of the published schemas, field by field', () => {
  expectTypeOf<WireEvent>().toExtend<ServerEvent>();
  expectTypeOf<ServerEvent>().toExtend<WireEvent>();
  expectTypeOf<Required<Extract<WireEvent, { type: 'run-ended' }>>>().toEqualTypeOf<
    Required<Extract<ServerEvent, { type: 'run-ended' }>>
  >();
  expectTypeOf<keyof Extract<WireEvent, { type: 'ok' }>>().toEqualTypeOf<keyof Extract<ServerEvent, { type: 'ok' }>>();
});

test('each event of the recorded runs fits its schema', () => {
  expect(recorded.length).toBeGreaterThan(50);
  for (const event of recorded) {
    expect(Errors(SERVER_EVENTS[event.type], event)[1], JSON.stringify(event)).toEqual([]);
  }
});

test('a field that is missing or of another type does not fit, and one of a later release does', () => {
  const seen = new Map(recorded.map((event) => [event.type, event]));
  expect(seen.size).toBeGreaterThan(8);
  for (const [type, event] of seen) {
    const schema = SERVER_EVENTS[type];
    for (const name of schema.required as string[]) {
      const { [name]: gone, ...rest } = event;
      expect(gone, `${type}.${name}`).not.toBe(undefined);
      expect(Check(schema, rest), `${type} without ${name}`).toBe(false);
      expect(Check(schema, { ...rest, [name]: Symbol.iterator }), `${type}.${name}`).toBe(false);
    }
    expect(Check(schema, { ...event, later: { field: true } })).toBe(true);
  }
});
