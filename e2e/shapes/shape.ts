/** What a JSON value is made of: a word for its kinds, or the shape of each field (`?`: some lack it), or of what a list holds. */
export type Shape = string | { [field: string]: Shape } | Shape[];

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);

/** The shape that all of these have. Pure. */
export const shapeOf = (values: readonly unknown[]): Shape => {
  const objects = values.filter(isObject);
  const lists = values.filter((value) => Array.isArray(value));
  if (objects.length > 0 && objects.length === values.length) {
    const fields = [...new Set(objects.flatMap(Object.keys))].toSorted();
    return Object.fromEntries(
      fields.map((field) => {
        const having = objects.filter((object) => field in object);
        return [having.length === objects.length ? field : `${field}?`, shapeOf(having.map((object) => object[field]))];
      }),
    );
  }
  if (lists.length > 0 && lists.length === values.length) return [shapeOf(lists.flat())];
  return [...new Set(values.map((value) => (value === null ? 'null' : Array.isArray(value) ? 'list' : typeof value)))].toSorted().join('|');
};
