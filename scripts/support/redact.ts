import { createHash } from 'node:crypto';

const STRUCK = '***';
/** Whatever opens a door, by its shape: it may stand in any text. */
const SHAPES: readonly [RegExp, string][] = [
  [/-----BEGIN [A-Z ]+-----[\s\S]*?(-----END [A-Z ]+-----|$)/g, STRUCK],
  [/\beyJ[\w-]{5,}\.[\w-]+(\.[\w-]*)?/g, STRUCK],
  [/\b(Bearer|Basic)\s+[^\s"',]+/gi, `$1 ${STRUCK}`],
  // The last @ of what may be an authority: a password may hold one that was not encoded.
  [/\b([a-z][a-z0-9+.-]*:\/\/)[^\s"'<>]*@/gi, `$1${STRUCK}@`],
  [/\b(sk|rk|pk|rnl|ghp|xox[a-z])[-_][\w-]{12,}/gi, STRUCK],
  [/\b(AKIA|ASIA)[A-Z0-9]{12,}/g, STRUCK],
  [/([?&][^=&\s"']*(?:key|token|secret|password|signature|code)[^=&\s"']*=)[^&\s"']+/gi, `$1${STRUCK}`],
  [
    /("?[\w.-]*(?:password|passwd|secret|token|api[_-]?key|authorization|cookie|private[_-]?key)[\w.-]*"?\s*[:=]\s*)("(?:[^"\\]|\\.)*"|[^\s,;}]+)/gi,
    `$1${STRUCK}`,
  ],
];
const PERSON = /("(?:userId|user|admin|target)"\s*:\s*)"((?:[^"\\]|\\.)*)"/g;

/** A text without secrets; people have the same made-up name wherever they stand in one bundle. `salt`: of the bundle, kept nowhere. */
export const redact = (text: string, salt: string): string => {
  const struck = SHAPES.reduce((left, [shape, by]) => left.replace(shape, by), text);
  return struck.replace(
    PERSON,
    (_all, head: string, name: string) => `${head}"person-${createHash('sha256').update(`${salt}${name}`).digest('hex').slice(0, 8)}"`,
  );
};

/** Keys below which everything is somebody's own: environment, data, annotations with whole manifests. */
const OWN: ReadonlySet<string> = new Set(['data', 'stringData', 'binaryData', 'annotations', 'managedFields']);

/** An object of the cluster with the names of its environment, and none of its values, arguments or data. Pure. */
export const withoutValues = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(withoutValues);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, inner]): [string, unknown][] => {
      if (OWN.has(key)) return [];
      if (key === 'command' || key === 'args') return [[key, STRUCK]];
      if (key === 'env' && Array.isArray(inner)) return [[key, inner.map(({ name }: { name?: unknown }) => name)]];
      return [[key, withoutValues(inner)]];
    }),
  );
};
