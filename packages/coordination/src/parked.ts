import { isWaiting, type Part } from '@runnel/protocol';
import type { ParkedRun } from '@runnel/protocol/http';

/**
 * Parts as they come back from the database. Whoever approved a call may have been served, and what tells of it lost with the store: it
 * counts as being called, so that nothing is executed twice (W-19). Pure.
 */
export const asCopied = (parts: readonly Part[]): Part[] =>
  parts.map((part) =>
    part.kind === 'tool' && part.state === 'approved' ? { ...part, state: 'running', attempt: (part.attempt ?? 0) + 1 } : part,
  );

/** What a run still waits for; empty: anybody may go on with it. Pure. */
export const stillOpen = ({ partIds, parts }: Pick<ParkedRun, 'partIds' | 'parts'>): string[] => {
  const open = new Set(parts.filter(isWaiting).map(({ partId }) => partId));
  return partIds.some((partId) => open.has(partId)) ? partIds : [];
};
