import { CHAIN_START, linkHash } from '../store/chain.ts';
import type { AuditRow, CutRow, HeadRow, LinkRow } from '../database/tables.ts';

/** Two topics bring the events of one log: for so long one of them may be under way, ms. */
const UNDER_WAY_MS = 60_000;

export interface Log {
  logId: string;
  /** In the order of `sequence`, as the links. */
  rows: readonly AuditRow[];
  links: readonly LinkRow[];
  head: HeadRow | undefined;
  /** Where retention cut it. */
  cut: CutRow | undefined;
  /** What rows are that lost their person's id, by `sequence`. */
  redacted: ReadonlyMap<number, string>;
}

export interface Surroundings {
  /** Times before this were removed by retention; 0: never. */
  retired: number;
  now: number;
}

export interface ChainFindings {
  problems: string[];
  /** An event has not come yet: what the tables hold of this log is not its end. */
  hasHole: boolean;
}

/** Where the chain of the rows that are here begins: at its start, or where retention cut it. Pure. */
const startOf = ({ links, cut }: Log, { retired }: Surroundings): { sequence: number; hash: string } => {
  const before = cut && retired > 0 ? links.find((link) => link.sequence === cut.sequence) : undefined;
  return before ?? { sequence: 0, hash: CHAIN_START };
};

/** Links are never removed, so they have no gap, and the head is the last of them. Pure. */
const checkLinks = ({ logId, rows, links, head, cut }: Log, { retired }: Surroundings): string[] => {
  const problems: string[] = [];
  const gap = links.findIndex((link, i) => link.sequence !== i + 1);
  if (gap !== -1) problems.push(`log ${logId}: link ${gap + 1} is missing`);
  for (const link of links)
    if (link.eventId !== `${logId}:a${link.sequence}`) problems.push(`log ${logId}: link ${link.sequence} names another event`);
  const end = links.at(-1);
  const last = rows.at(-1);
  if (last && end && end.sequence > last.sequence) problems.push(`log ${logId}: events after ${last.sequence} were removed`);
  if (!last && (retired === 0 || !cut)) problems.push(`log ${logId}: all events were removed`);
  if (cut && (retired === 0 || (last ? rows[0]!.sequence <= cut.sequence : cut.sequence !== head?.seen)))
    problems.push(`log ${logId}: where retention cut it was changed`);
  if (!head) problems.push(`log ${logId}: it has no head`);
  else {
    if (head.hash !== (end?.hash ?? CHAIN_START) || head.sequence !== (end?.sequence ?? 0))
      problems.push(`log ${logId}: its chain does not end where it should`);
    if (last ? head.seen !== last.sequence && !(end && end.sequence > last.sequence) : head.seen < head.sequence)
      problems.push(`log ${logId}: the newest event that was seen is ${head.seen}, and it is not the last one here`);
  }
  return problems;
};

/** What is wrong with one log's rows, links and head. Pure. */
export const checkChain = (log: Log, around: Surroundings): ChainFindings => {
  const { logId, rows, links } = log;
  const problems: string[] = [];
  const bySequence = new Map(links.map((link) => [link.sequence, link]));
  let { sequence, hash } = startOf(log, around);
  let hasHole = false;
  for (const row of rows) {
    if (row.sequence <= sequence) {
      problems.push(`log ${logId}: event ${row.sequence} is there twice`);
      continue;
    }
    const link = bySequence.get(row.sequence);
    for (let missing = sequence + 1; missing < row.sequence; missing++) {
      // What was linked was here. What was not may still come.
      const isUnderWay = !bySequence.has(missing) && around.now - row.time < UNDER_WAY_MS;
      if (!isUnderWay && missing - sequence <= 10) problems.push(`log ${logId}: event ${missing} is missing`);
      if (!bySequence.has(missing)) hasHole = true;
    }
    if (row.time < around.retired) problems.push(`log ${logId}: event ${row.sequence} is older than what retention removed`);
    if (!link && !hasHole) problems.push(`log ${logId}: event ${row.sequence} is not linked`);
    const isNext = row.sequence === sequence + 1;
    hash = linkHash(hash, row);
    const redacted = log.redacted.get(row.sequence);
    const isOther =
      redacted === undefined ? isNext && link !== undefined && link.hash !== hash : redacted !== linkHash(link?.hash ?? '', row);
    const isChanged = row.eventId !== `${logId}:a${row.sequence}` || isOther;
    if (isChanged) problems.push(`log ${logId}: event ${row.sequence} was changed`);
    // One change is one problem: what follows is held against the link that stands.
    if (link) hash = link.hash;
    sequence = row.sequence;
  }
  return { problems: [...problems, ...checkLinks(log, around)], hasHole };
};
