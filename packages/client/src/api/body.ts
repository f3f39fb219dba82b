import { RunnelError } from '@runnel/protocol';

interface Kinds {
  string: string;
  number: number;
  boolean: boolean;
  array: readonly unknown[];
  object: object;
}
type KindOf<V> = { [K in keyof Kinds]: V extends Kinds[K] ? K : never }[keyof Kinds];

/** The kind of each field of `T` that an answer must have; `null` and absent fields of a union are the caller's to read. */
export type Fields<T> = {
  [K in keyof T as undefined extends T[K] ? never : null extends T[K] ? never : K]: T[K] extends readonly unknown[]
    ? 'array'
    : KindOf<T[K]>;
};

const kindOf = (value: unknown): string => (Array.isArray(value) ? 'array' : value === null ? 'null' : typeof value);

/**
 * A body as one of the schemas of `@runnel/protocol/http` says it. A page cannot afford a schema's compiler (30 kB): the fields are
 * listed here, and the compiler holds the list against the schema's type.
 *
 * @throws RunnelError `internal` that names the field which is missing or of another kind
 */
export const readBody = <T extends object>(body: unknown, fields: Fields<T>): T => {
  if (kindOf(body) !== 'object') throw new RunnelError('internal', `The server answered ${kindOf(body)} where an object was due.`);
  const found = body as Record<string, unknown>;
  for (const [name, kind] of Object.entries(fields))
    if (kindOf(found[name]) !== kind) throw new RunnelError('internal', `The server’s answer has no ${name} (${String(kind)}).`);
  return body as T;
};
