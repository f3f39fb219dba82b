import type { Part } from '@runnel/protocol';

/** A question of the model's to a person, told as a call that they answer. */
export const ASK_TOOL = 'ask_person';

export interface CallView {
  name: string;
  /** JSON as text, byte for byte what a person is shown and decides on; as far as it has come. */
  input: string;
  /** The input will not grow any more. */
  isWhole: boolean;
  /** Null: not called, or no word of it yet. */
  result: { ok: true; text: string } | { ok: false; text: string } | null;
}

export const UNKNOWN_OUTCOME = 'Nobody knows whether the call acted.';

/** A tool's part, or a question, as a call; null for what is none. `ended`: the answer has ended, so what is open stays so. Pure. */
export const callOf = (part: Part, ended: boolean): CallView | null => {
  const { kind, state, text = '', choices, answer = '', output = '', error } = part;
  if (kind === 'question') {
    const input = JSON.stringify({ question: text, ...(choices && { choices }) });
    const answered = state === 'answered' ? { ok: true as const, text: answer } : null;
    const result = state === 'dismissed' ? { ok: false as const, text: 'Nobody answered.' } : answered;
    return { name: ASK_TOOL, input, isWhole: true, result };
  }
  if (kind !== 'tool') return null;
  const failed = (words: string) => ({ ok: false as const, text: words });
  const result =
    state === 'done'
      ? { ok: true as const, text: output }
      : state === 'failed'
        ? failed(error?.message ?? 'The call failed.')
        : state === 'denied'
          ? failed(part.note ?? 'A person said no to this call.')
          : state === 'unknown' && ended
            ? failed(UNKNOWN_OUTCOME)
            : null;
  return { name: part.name ?? 'tool', input: part.input || (state === 'input' ? '' : '{}'), isWhole: state !== 'input', result };
};

/** JSON as what it says; anything else as the text it is. */
export const valueOf = (text: string): unknown => {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
};
