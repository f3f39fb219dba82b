import { utf8Length, type Usage } from '@runnel/protocol';
import type { ModelMessage } from '../models/provider.ts';

/** Bytes of text that make about one token, over the usual tokenizers and languages. */
const BYTES_PER_TOKEN = 4;

/**
 * An estimate, for runs whose provider gave no usage: cancelled and failed ones mostly, as providers count at the end. Four
 * UTF-8 bytes count as a token; no tokenizer is asked.
 */
export const estimateUsage = (messages: readonly ModelMessage[], completionBytes: number): Usage => ({
  promptTokens: Math.ceil(messages.reduce((bytes, { text }) => bytes + utf8Length(text), 0) / BYTES_PER_TOKEN),
  completionTokens: Math.ceil(completionBytes / BYTES_PER_TOKEN),
});
