import type { ParkedRun } from '@runnel/protocol/http';
import { partJson, streamedOf } from '../../parts.ts';
import { asCopied, stillOpen } from '../../parked.ts';

/** An answer that waits, as `putback` takes it. Lists are JSON of their own where the script hands them on. */
export const waitingArgs = (parked: ParkedRun): (string | number | string[][])[] => {
  const { runId, parentId, model, startedAt, epoch, claims, text, used, trimmed, requestedModel, base, request } = parked;
  const open = stillOpen(parked);
  return [
    ...[runId, parentId ?? '', model, startedAt, epoch, claims, text, Buffer.byteLength(text)],
    ...[open.length > 0 ? JSON.stringify(open) : '', used ? JSON.stringify(used) : ''],
    ...[trimmed?.messages ?? '', trimmed?.tokens ?? '', requestedModel ?? '', base ?? '', request ?? ''],
    asCopied(parked.parts).map((part) => [partJson(part), ...streamedOf(part), part.partId]),
  ];
};
