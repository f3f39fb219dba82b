import type { TSchema } from 'typebox';
import { Compile } from 'typebox/compile';
import { AUDIT_DATA, RECOVERIES } from './data.ts';
import { Envelope, type AuditEvent, type OutboxFields } from './event.ts';

interface Checker {
  Check(value: unknown): boolean;
  Errors(value: unknown): { instancePath: string; message: string }[];
}

const compiled = (schemas: Record<string, TSchema>): ReadonlyMap<string, Checker> =>
  new Map(Object.entries(schemas).map(([word, schema]) => [word, Compile(schema)]));

const envelope: Checker = Compile(Envelope);
const { RECOVERY_ATTEMPT: _, ...others } = AUDIT_DATA;
const byType = compiled(others);
const byKind = compiled(RECOVERIES);

const check = (checker: Checker, value: unknown, path: string): void => {
  if (checker.Check(value)) return;
  const [first] = checker.Errors(value);
  throw new Error(first ? `${path}${first.instancePath} ${first.message}`.trimStart() : 'not an audit event');
};

/** One checker for each shape, so that an error names the field and not a list of all that it might have been. */
const checkerOf = ({ type, data }: { type: string; data: object }): Checker => {
  const kind = type === 'RECOVERY_ATTEMPT' ? ('kind' in data ? String(data.kind) : '') : null;
  const found = kind === null ? byType.get(type) : byKind.get(kind);
  if (found) return found;
  throw new Error(kind === null ? `type ${JSON.stringify(type.slice(0, 40))} is no audit event` : 'data/kind is no kind of recovery');
};

function assertAuditEvent(value: unknown): asserts value is AuditEvent {
  check(envelope, value, '');
  const event = value as { type: string; data: object };
  check(checkerOf(event), event.data, 'data');
}

/** An event with the data of its type. @throws Error that names the field which is missing or wrong: the reason a dead letter carries */
export const parseAuditEvent = (value: unknown): AuditEvent => {
  assertAuditEvent(value);
  return value;
};

/** The event of an outbox entry. @throws Error when the entry is not one of ours: it then goes to the dead letters as it is */
export const fromOutbox = (fields: OutboxFields): AuditEvent =>
  parseAuditEvent({
    specversion: '1.0',
    id: fields.id,
    source: '/runnel',
    type: fields.type,
    subject: fields.conversation,
    time: new Date(Number(fields.time)).toISOString(),
    datacontenttype: 'application/json',
    dataversion: 1,
    ...(fields.trace && { traceparent: fields.trace }),
    data: JSON.parse(fields.data) as unknown,
  });

/** Reads an event off the wire. @throws Error that says what is wrong */
export const decodeEvent = (bytes: Uint8Array): AuditEvent => {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new Error('not JSON in UTF-8', { cause });
  }
  return parseAuditEvent(value);
};

/** The place of an event among the state changes of its log; null for timeline batches. */
export const sequenceOf = (event: Pick<AuditEvent, 'id'>): { logId: string; sequence: number } | null => {
  const match = /^(.+):a(\d+)$/.exec(event.id);
  return match && { logId: match[1]!, sequence: Number(match[2]) };
};
