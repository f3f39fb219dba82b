import type { TSchema } from 'typebox';

type Json = Record<string, unknown>;

const KEPT = ['description', 'default', 'minimum', 'maximum', 'minLength', 'maxLength', 'pattern', 'format', 'minItems', 'maxItems'];
const LISTS = ['x-kubernetes-validations', 'x-kubernetes-list-type', 'x-kubernetes-list-map-keys', 'required', 'enum', 'maxProperties'];
/** CEL is priced by how large a value may be, so nothing is without a bound. */
const MOST = { characters: 4_096, items: 64, properties: 64 };

/**
 * A TypeBox schema as a structural schema, which is what a CRD may hold: no `additionalProperties: false` (unknown fields are pruned, and told
 * by `kubectl`), no `patternProperties`, a type everywhere. Pure.
 */
export const structural = (schema: TSchema): Json => {
  const from = schema as unknown as Json;
  const made: Json = {};
  for (const key of [...KEPT, ...LISTS]) if (from[key] !== undefined) made[key] = from[key];
  const { type, properties, items, patternProperties } = from as {
    type?: string;
    properties?: Record<string, TSchema>;
    items?: TSchema;
    patternProperties?: Record<string, TSchema>;
  };
  if (type === undefined && from['enum'] === undefined) return { ...made, 'x-kubernetes-preserve-unknown-fields': true };
  made['type'] = type ?? 'string';
  if (made['type'] === 'string') made['maxLength'] ??= MOST.characters;
  if (properties)
    made['properties'] = Object.fromEntries(Object.entries(properties).map(([name, property]) => [name, structural(property)]));
  if (type === 'object' && patternProperties) {
    made['maxProperties'] ??= MOST.properties;
    made['additionalProperties'] = structural(Object.values(patternProperties)[0]!);
  }
  if (items) {
    made['maxItems'] ??= MOST.items;
    made['items'] = structural(items);
  }
  return made;
};
