import { isId } from '@runnel/protocol';
import type { WorkHint } from './run-log.ts';

/** A published hint; null for what is none. Pure. */
export const parseHint = (text: string): WorkHint | null => {
  let hint: unknown;
  try {
    hint = JSON.parse(text);
  } catch {
    return null;
  }
  if (typeof hint !== 'object' || hint === null) return null;
  const { kind, conversationId, runId } = hint as Record<string, unknown>;
  return typeof kind === 'string' && isId(conversationId) && isId(runId) ? (hint as WorkHint) : null;
};
