import type { Static, TSchema } from 'typebox';
import { Compile } from 'typebox/compile';

interface Checker {
  Check(value: unknown): boolean;
  Errors(value: unknown): { instancePath: string; message: string }[];
}
const checkers = new WeakMap<object, Checker>();

const checkerOf = (schema: TSchema): Checker => {
  let checker = checkers.get(schema);
  if (!checker) checkers.set(schema, (checker = Compile(schema)));
  return checker;
};

/**
 * The body of an answer as its schema says it; compiled on first use.
 *
 * @throws Error that names the first field which is missing or of another kind. It holds no value of the body
 */
export const parseBody = <T extends TSchema>(schema: T, body: unknown): Static<T> => {
  const checker = checkerOf(schema);
  if (checker.Check(body)) return body as Static<T>;
  const [first] = checker.Errors(body);
  throw new Error(`an answer of another shape: ${first ? `${first.instancePath || 'body'} ${first.message}` : 'unknown'}`);
};
