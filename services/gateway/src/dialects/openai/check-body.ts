import type { Static, TSchema } from 'typebox';
import { Compile } from 'typebox/compile';
import { ApiError } from './api-error.ts';

/** What becomes of a parameter: the model gets it, this server does it, or the request is refused by its name. */
export type Fate = 'passed' | 'applied' | 'refused';

/** `/messages/0/content` as OpenAI names it: `messages[0].content`. */
const paramOf = (path: string): string =>
  path
    .split('/')
    .slice(1)
    .map((part) => (/^\d+$/.test(part) ? `[${part}]` : `.${part}`))
    .join('')
    .replace(/^\./, '');

const below = (param: string, name: string): string => (param === '' ? name : `${param}.${name}`);

/** More fields than any body has: which of them are unknown is looked up, and not said of each. */
const MANY_FIELDS = 256;
interface Shape {
  properties?: Record<string, Shape>;
  additionalProperties?: unknown;
  anyOf?: readonly Shape[];
  maxItems?: number;
}
const mostOf = ({ maxItems, anyOf = [] }: Shape): number | undefined => maxItems ?? anyOf.map(mostOf).find((most) => most !== undefined);

/** What is wrong with a body that is too wide, without a walk over all that does not fit: for megabytes of it that would take seconds. */
const checkWidth = ({ properties = {}, additionalProperties }: Shape, body: unknown): void => {
  if (typeof body !== 'object' || body === null) return;
  for (const [name, shape] of Object.entries(properties)) {
    const most = mostOf(shape);
    const items: unknown = Object.hasOwn(body, name) ? (body as Record<string, unknown>)[name] : undefined;
    if (most !== undefined && Array.isArray(items) && items.length > most)
      throw new ApiError('bad-frame', `${name}: must not have more than ${most} items.`, { code: 'invalid_value', param: name });
  }
  const names = Object.keys(body);
  if (additionalProperties !== false || names.length <= MANY_FIELDS) return;
  const unknown = names.find((name) => !Object.hasOwn(properties, name));
  if (unknown !== undefined)
    throw new ApiError('bad-frame', `Unknown parameter: ${unknown.slice(0, 100)}.`, {
      code: 'unknown_parameter',
      param: unknown.slice(0, 100),
    });
};

export interface Checked<T extends TSchema> {
  /** @throws ApiError that names the first field which does not fit, and never its value */
  (body: unknown): Static<T>;
}

/** The check of a body, in OpenAI's words. Fields of the body that the schema does not have are refused where it says so. */
export const bodyCheck = <T extends TSchema>(schema: T): Checked<T> => {
  const compiled = Compile(schema);
  return (body) => {
    checkWidth(schema as Shape, body);
    if (compiled.Check(body)) return body as Static<T>;
    const errors = compiled.Errors(body) as { keyword: string; instancePath: string; message: string; params: Record<string, unknown> }[];
    const first = errors.find(({ keyword }) => keyword !== 'boolean') ?? errors[0];
    const { keyword = '', instancePath = '', message = 'does not fit', params = {} } = first ?? {};
    const param = paramOf(instancePath);
    const named = (params['additionalProperties'] ?? params['requiredProperties']) as string[] | undefined;
    if (keyword === 'additionalProperties' && named)
      throw new ApiError('bad-frame', `Unknown parameter: ${below(param, named[0]!)}.`, {
        code: 'unknown_parameter',
        param: below(param, named[0]!),
      });
    if (keyword === 'required' && named)
      throw new ApiError('bad-frame', `Missing required parameter: ${below(param, named[0]!)}.`, {
        code: 'missing_required_parameter',
        param: below(param, named[0]!),
      });
    const words: Record<string, string> = { type: 'invalid_type', anyOf: 'invalid_type', enum: 'invalid_value' };
    throw new ApiError('bad-frame', `${param === '' ? 'The body' : param}: ${message}.`, {
      code: words[keyword] ?? 'invalid_value',
      ...(param !== '' && { param }),
    });
  };
};
