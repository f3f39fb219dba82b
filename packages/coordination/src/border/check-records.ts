import { isKind, RECORD_LIMITS, type StoreRecords } from '../person-records.ts';
import { count, flag, list, name, object, text, word } from './shapes.ts';

type Of = Pick<Parameters<StoreRecords['readRecords']>[0], 'userId' | 'kind' | 'lasting'>;

const checkOf = ({ userId, kind, lasting }: Of): void => {
  name(userId, 'user');
  word(isKind(kind) ? kind : '', Object.keys(RECORD_LIMITS), 'kind');
  flag(lasting, 'command');
};

/** Field names and values are texts; what may be in them is the caller's. */
const checkFields = (fields: object, kind: Of['kind'], { mayBeNull }: { mayBeNull: boolean }): void => {
  object(fields, 'record');
  for (const [field, value] of Object.entries(fields)) {
    name(field, 'record');
    if (value !== null || !mayBeNull) text(value, RECORD_LIMITS[kind].bytes, 'record');
  }
};

export const checkRecords = (query: Parameters<StoreRecords['readRecords']>[0]): void => {
  object(query, 'query');
  checkOf(query);
  if (query.names === undefined) return;
  list(query.names, 'list of names', 1_000);
  for (const one of query.names) name(one, 'name');
};

export const checkPutRecord = (command: Parameters<StoreRecords['putRecord']>[0]): void => {
  object(command, 'command');
  checkOf(command);
  name(command.name, 'name');
  if (command.name === '') name(null, 'name');
  checkFields(command.patch, command.kind, { mayBeNull: true });
};

export const checkMerge = (command: Parameters<StoreRecords['mergeRecords']>[0]): void => {
  object(command, 'command');
  checkOf(command);
  list(command.records, 'list of records');
  for (const record of command.records) {
    object(record, 'record');
    name(record.name, 'name');
    count(record.version, 'version');
    if (record.fields !== null) checkFields(record.fields, command.kind, { mayBeNull: false });
  }
};
