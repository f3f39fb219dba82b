import type { KeyObject } from 'node:crypto';
import type { DataSource } from 'typeorm';
import { AUDIT, CUT, LINK, rowOf } from '../database/tables.ts';
import { rootOf, type End } from '../proof/merkle.ts';
import { inSnapshot } from '../proof/snapshot.ts';
import { digestOf, endOf, fromLine } from './checkpoint.ts';

const PAGE = 1_000;

export interface Told {
  /** The ends of all logs as the newest line that is in order tells them, with its time. */
  ends: Map<string, End & { at: number }>;
  problems: string[];
  checkpoints: number;
}

/** Reads lines in their order: each signed, each going on from the one before, each root that of all that was said up to it. */
export const readCheckpoints = async (lines: AsyncIterable<string> | Iterable<string>, key: KeyObject): Promise<Told> => {
  const told: Told = { ends: new Map(), problems: [], checkpoints: 0 };
  let previous: string | null = null;
  let number = 0;
  for await (const line of lines) {
    if (line.trim() === '') continue;
    const where = `checkpoint ${number + 1}`;
    try {
      const checkpoint = fromLine(line, key);
      if (checkpoint.number !== number + 1 || checkpoint.previous !== previous) throw new Error('it does not follow the one before');
      for (const head of checkpoint.heads) told.ends.set(head[0], { ...endOf(head), at: checkpoint.at });
      if (checkpoint.root !== null && checkpoint.root !== rootOf([...told.ends.values()]))
        throw new Error('its root is not that of what it and those before it tell');
      number = checkpoint.number;
    } catch (error) {
      told.problems.push(`${where}: ${error instanceof Error ? error.message : String(error)}`);
      return told;
    }
    previous = digestOf(line);
    told.checkpoints++;
  }
  return told;
};

/** What was removed, cut off or rewritten since these checkpoints. `verify` tells whether what is there is whole in itself. */
export const holdAgainst = async (database: DataSource, { ends }: Pick<Told, 'ends'>): Promise<string[]> => {
  const problems: string[] = [];
  const all = [...ends.values()];
  for (let i = 0; i < all.length; i += PAGE) {
    const page = all.slice(i, i + PAGE);
    const pairs = page.map(({ logId, sequence }) => [logId, sequence] as const);
    const found = await inSnapshot(database, async (sql) => ({
      links: (await sql.amongPairs<Record<string, unknown>>('audit_chain', ['log_id', 'sequence'], pairs)).map((raw) => rowOf(LINK, raw)),
      rows: (await sql.amongPairs<Record<string, unknown>>('audit_log', ['log_id', 'sequence'], pairs)).map((raw) => rowOf(AUDIT, raw)),
      cuts: (
        await sql.among<Record<string, unknown>>(
          'SELECT * FROM audit_cut',
          'log_id',
          page.map(({ logId }) => logId),
        )
      ).map((raw) => rowOf(CUT, raw)),
    }));
    const links = new Map(found.links.map((link) => [link.logId, link.hash]));
    const rows = new Set(found.rows.map(({ logId }) => logId));
    const cuts = new Map(found.cuts.map(({ logId, sequence }) => [logId, sequence]));
    for (const { logId, sequence, hash, at } of page) {
      const where = `log ${logId}: event ${sequence}, of the checkpoint of ${new Date(at).toISOString()}, was`;
      const link = links.get(logId);
      if (link === undefined || (!rows.has(logId) && (cuts.get(logId) ?? 0) < sequence)) problems.push(`${where} removed`);
      else if (link !== hash) problems.push(`${where} rewritten, or one before it`);
    }
  }
  return problems;
};
