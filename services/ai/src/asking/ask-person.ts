import { Type } from 'typebox';
import { Compile } from 'typebox/compile';
import type { ToolSpec } from '../models/provider.ts';
import { ASK_PERSON } from '../run/part-maker.ts';

const MOST_CHOICES = 20;
const MOST_CHARS = 4_000;
const Question = Type.Object({
  question: Type.String({ minLength: 1, maxLength: MOST_CHARS, description: 'What you need to know from the person' }),
  choices: Type.Optional(
    Type.Array(Type.String({ minLength: 1, maxLength: 500 }), { maxItems: MOST_CHOICES, description: 'Answers to choose from' }),
  ),
});
const checker = Compile(Question);

/** Offered to every model with tools: it asks, and the answer comes as the result, tomorrow if need be. */
export const ASK_SPEC: ToolSpec = {
  name: ASK_PERSON,
  description: 'Asks the person a question and waits for the answer. Use it only when you cannot go on without knowing.',
  parameters: Question as unknown as Record<string, unknown>,
};

/** What a model asks; null when it is no question. Pure. */
export const readQuestion = (input: string): { text: string; choices?: string[] } | null => {
  try {
    const value: unknown = JSON.parse(input);
    if (!checker.Check(value)) return null;
    return { text: value.question, ...(value.choices && value.choices.length > 0 && { choices: value.choices }) };
  } catch {
    return null;
  }
};
