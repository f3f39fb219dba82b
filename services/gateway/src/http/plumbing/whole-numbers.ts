import { TypeBoxValidatorCompiler } from '@fastify/type-provider-typebox';

/** A number as addresses and headers have it; what else means one in JavaScript (`1.5` cut off, `1e2`, `true`) is a mistake of its sender. */
const WHOLE = /^-?\d{1,16}$/;
/** Converts into nothing, so that the schema refuses it by the name of its field. */
const NONE = 'no whole number';

const wholeFields = (schema: unknown): string[] => {
  const { properties = {} } = schema as { properties?: Record<string, { type?: string }> };
  return Object.keys(properties).filter((name) => properties[name]!.type === 'integer');
};

/** Checks by TypeBox, which reads numbers out of texts; a whole number is only one that is written as such. */
export const validatorCompiler: typeof TypeBoxValidatorCompiler = (route) => {
  const check = TypeBoxValidatorCompiler(route);
  const fields = route.httpPart === 'body' ? [] : wholeFields(route.schema);
  if (fields.length === 0) return check;
  return (value: Record<string, unknown>) => {
    const odd = fields.filter((name) => value[name] !== undefined && !WHOLE.test(String(value[name])));
    return check(odd.length === 0 ? value : { ...value, ...Object.fromEntries(odd.map((name) => [name, NONE])) });
  };
};
