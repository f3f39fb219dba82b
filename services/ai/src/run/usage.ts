import { BYTES_PER_TOKEN, filesWeight, utf8Length, type Usage } from '@runnel/protocol';
import type { ModelMessage } from '../models/provider.ts';

/**
 * An estimate, for requests whose provider gave no usage: cancelled and failed ones mostly, as providers count at the end. Four
 * UTF-8 bytes count as a token; no tokenizer is asked.
 */
export const estimateUsage = (messages: readonly ModelMessage[], completionBytes: number): Usage => ({
  promptTokens:
    Math.ceil(messages.reduce((bytes, { text }) => bytes + utf8Length(text), 0) / BYTES_PER_TOKEN) +
    messages.reduce((sum, { parts }) => sum + filesWeight(parts).tokens, 0),
  completionTokens: Math.ceil(completionBytes / BYTES_PER_TOKEN),
  estimated: true,
});

/** Of all requests of a run together; an estimate where one of them is. Pure. */
export const sumUsage = (...parts: readonly Usage[]): Usage => ({
  promptTokens: parts.reduce((sum, { promptTokens }) => sum + promptTokens, 0),
  completionTokens: parts.reduce((sum, { completionTokens }) => sum + completionTokens, 0),
  ...(parts.some(({ estimated }) => estimated) && { estimated: true }),
});
