import type { EndReason, Finish, Receipt, Usage } from '@runnel/protocol';

interface End {
  reason: EndReason;
  finish?: Finish | undefined;
  bytes: number;
  sha256: string;
  usage?: Usage | undefined;
  firstWordMs?: number | undefined;
}

/** The receipt of an answer, as `end-run.lua` writes it: of a whole one with a text, else nothing. Pure. */
export const receiptOf = (end: End, durationMs: number, nodes: readonly string[]): { receipt?: Receipt } => {
  const { reason, finish = 'stop', bytes, sha256, usage, firstWordMs } = end;
  if (reason !== 'complete' || bytes === 0 || (finish !== 'stop' && finish !== 'tools')) return {};
  const first = firstWordMs !== undefined && { firstWordMs };
  return { receipt: { sha256, bytes, ...(usage && { usage }), ...first, durationMs: Math.max(0, durationMs), nodes: [...nodes] } };
};
