/** What clients write when they mean nothing. */
export const isNothing = (value: unknown): boolean =>
  value === undefined ||
  value === null ||
  value === false ||
  value === 0 ||
  value === 'none' ||
  (typeof value === 'object' && Object.keys(value).length === 0);
