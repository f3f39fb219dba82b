/** What `count N at R` must say, so that a loss, a repetition or a wrong order shows in the text itself. */
export const countText = (words: number): string => Array.from({ length: words }, (_, i) => `w${String(i + 1).padStart(6, '0')}`).join(' ');

/** The same in letters of two to four bytes, and pairs that a provider may cut in the middle. */
export const accentText = (words: number): string =>
  Array.from({ length: words }, (_, i) => `ử${String(i + 1).padStart(6, '0')}é🙂`).join(' ');

export interface ExpectedRun {
  conversationId: string;
  runId: string;
  messageId: string;
  words: number;
  full: string;
  /** How it may end. Anything but `complete` may stop early, at any byte. */
  endings: readonly string[];
}

/** The runs a scenario has started: the truth that screens are held against, byte by byte. */
export class Expected {
  readonly runs = new Map<string, ExpectedRun>();

  readonly #bytes = new Map<string, Buffer>();

  add(run: Omit<ExpectedRun, 'full'> & { full?: string }): ExpectedRun {
    const expected = { ...run, full: run.full ?? countText(run.words) };
    this.runs.set(run.runId, expected);
    this.#bytes.set(run.runId, Buffer.from(expected.full));
    return expected;
  }

  /** Null when `text` may stand at byte `at` of the run's answer, else what is wrong. */
  wrongAt(runId: string, at: number, text: string): string | null {
    const bytes = this.runs.has(runId) ? this.#bytes.get(runId) : undefined;
    const came = Buffer.from(text);
    if (!bytes || (at + came.length <= bytes.length && bytes.compare(came, 0, came.length, at, at + came.length) === 0)) return null;
    return `at byte ${at} came ${JSON.stringify(text.slice(0, 80))} instead of ${JSON.stringify(bytes.toString('utf8', at, at + 80))}`;
  }

  wrongEnd(runId: string, reason: string, text: string): string | null {
    const run = this.runs.get(runId);
    if (!run) return null;
    if (!run.endings.includes(reason)) return `ended ${reason}, expected ${run.endings.join(' or ')}`;
    if (reason === 'complete' && text !== run.full) return `complete with ${text.length} of ${run.full.length} bytes`;
    return this.wrongAt(runId, 0, text);
  }

  of(conversationId: string): ExpectedRun[] {
    return [...this.runs.values()].filter((run) => run.conversationId === conversationId);
  }
}
