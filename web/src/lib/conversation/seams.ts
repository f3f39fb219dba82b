/** Where an answer was joined together without anything missing. */
export interface Seam {
  /**
   * `moved`: another server went on. `restarted`: it took back what stood after `at` and wrote that again. `resumed`: this page had no
   * connection. `joined`: this page was opened, or loaded again, when the answer was as long as that.
   */
  kind: 'moved' | 'restarted' | 'resumed' | 'joined';
  /** UTF-16 index in the text. */
  at: number;
  /** For so long nothing came (ms). */
  ms: number;
}

/** A running answer at one moment, as a page sees it. */
export interface Glance {
  runId: string;
  length: number;
  moves: number;
  /** Events come as they happen. */
  live: boolean;
  /** For a person: whoever takes it up then replaces nobody. */
  waits: boolean;
  /** How long the last catching up took (ms). */
  resumeMs: number;
}

export interface Watched extends Glance {
  /** When it last grew, and when it was last cut off; this device's clock (ms). */
  grewAt: number;
  cutAt: number | null;
  /** Another server has it and has written nothing yet. */
  open: { kind: 'moved' | 'restarted'; at: number; since: number } | null;
  seams: readonly Seam[];
}

/** An answer that is handed on without end is not told of without end. */
const MOST = 20;

const add = (seams: readonly Seam[], seam: Seam): readonly Seam[] => [...seams, seam].slice(-MOST);

/** @param begun whether the answer began before this page's eyes */
const begin = (glance: Glance, now: number, begun: boolean): Watched => {
  const joined = !begun && glance.live && glance.length > 0;
  const seams: readonly Seam[] = joined ? [{ kind: 'joined', at: glance.length, ms: glance.resumeMs }] : [];
  return { ...glance, grewAt: now, cutAt: glance.live ? null : now, open: null, seams };
};

const closed = ({ open, seams }: Pick<Watched, 'open' | 'seams'>, now: number): readonly Seam[] =>
  open === null ? seams : add(seams, { kind: open.kind, at: open.at, ms: now - open.since });

/** The next step of watching one answer; with another answer, or none, it begins anew. */
export const watchSeams = (before: Watched | null, glance: Glance, now: number, begun: boolean): Watched => {
  if (before?.runId !== glance.runId) return begin(glance, now, begun);
  const next: Watched = { ...before, ...glance };
  const grew = glance.length > before.length;
  if (glance.moves > before.moves && !before.waits) {
    const kind = glance.length < before.length ? 'restarted' : 'moved';
    next.seams = closed(before, now);
    next.open = { kind, at: Math.min(glance.length, before.length), since: before.grewAt };
  }
  if (!glance.live) next.cutAt = before.cutAt ?? now;
  else if (before.cutAt !== null) {
    next.cutAt = null;
    // A takeover that was met on coming back says more.
    if (next.open === null) next.seams = add(next.seams, { kind: 'resumed', at: before.length, ms: now - before.cutAt });
  }
  if (next.open !== null && glance.length > next.open.at && (grew || glance.moves > before.moves)) {
    next.seams = closed(next, now);
    next.open = null;
  }
  if (grew) next.grewAt = now;
  return next;
};

/** What is known when the answer has ended, perhaps while this page was away. */
export const seamsOf = (watched: Watched, now: number): readonly Seam[] => {
  const { open, cutAt, length, seams } = watched;
  return open === null && cutAt !== null ? add(seams, { kind: 'resumed', at: length, ms: now - cutAt }) : closed(watched, now);
};
