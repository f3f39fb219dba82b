/** Words for why an answer failed, by the code of its error; `other` for what has none of its own. */
const KEYS: Readonly<Record<string, string>> = {
  'too-long': 'tooLong',
  'context-length': 'tooLong',
  'rate-limited': 'quota',
  overloaded: 'quota',
  unavailable: 'unreachable',
  'model-unknown': 'unknown',
  unauthorized: 'key',
  forbidden: 'key',
  internal: 'internal',
};

export const failureKey = (code: string): string => KEYS[code] ?? 'other';
