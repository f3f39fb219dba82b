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

export const failureKey = (code: string): string => (Object.hasOwn(KEYS, code) ? KEYS[code]! : 'other');

/** Words for why a call of a tool failed, by the code of its error. */
const TOOL_KEYS: Readonly<Record<string, string>> = {
  'bad-input': 'badInput',
  'unknown-tool': 'unknownTool',
  'step-limit': 'stepLimit',
  timeout: 'timeout',
  'too-long': 'tooLong',
  'tool-error': 'toolError',
  unavailable: 'unavailable',
  cancelled: 'cancelled',
  interrupted: 'interrupted',
  'outcome-unknown': 'outcomeUnknown',
};

export const toolFailureKey = (code: string): string => (Object.hasOwn(TOOL_KEYS, code) ? TOOL_KEYS[code]! : 'other');
