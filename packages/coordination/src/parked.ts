import { isWaiting, type Part } from '@runnel/protocol';
import type { ParkedRun } from '@runnel/protocol/http';

/**
 * Parts as they come back from the database. Whoever approved a call may have been served, and what tells of it lost with the store: it
 * counts as being called, so that nothing is executed twice (W-19). Pure.
 */
export const asCopied = (parts: readonly Part[]): Part[] =>
  parts.map((part) => {
    if (part.kind !== 'tool') return part;
    if (part.state === 'approved') return { ...part, state: 'running', attempt: (part.attempt ?? 0) + 1 };
    // So does one whose tool had asked, when all was answered.
    if (part.asks === undefined || parts.some((question) => question.of === part.partId && isWaiting(question))) return part;
    const { asks: _, ...called } = part;
    return called;
  });

/** What a run still waits for; empty: anybody may go on with it. Pure. */
export const stillOpen = ({ partIds, parts }: Pick<ParkedRun, 'partIds' | 'parts'>): string[] => {
  const open = new Set(parts.filter(isWaiting).map(({ partId }) => partId));
  return partIds.some((partId) => open.has(partId)) ? partIds : [];
};
