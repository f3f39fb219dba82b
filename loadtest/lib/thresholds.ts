/** The promises as k6 has them (P-5, P-6, P-7); the same figures as observability/slo.yaml. */
export const PROMISES = {
  chunk: { runnel_chunk_added: ['p(99)<50'] },
  firstWord: { runnel_ttfb_added: ['p(99)<120'] },
  cancel: { runnel_cancel: ['p(99)<250'] },
  /** What `/v1` adds to the time that an answer's words take. */
  v1: { runnel_v1_late: ['p(99)<250'] },
  /** A page of a long conversation. */
  history: { runnel_history: ['p(99)<250'] },
  /** P-4: what a person may wait for a word while pods are replaced. */
  pause: { runnel_pause: ['p(99)<500', 'max<4000'], runnel_moved: ['count>=1'] },
  /** What calls of tools add to the time that an answer's words take: its words stop for each, and a request to the model begins again. */
  tools: { runnel_tools_late: ['p(99)<1000'] },
  /** From the first byte of half a MiB to the answer that it is on the disk. */
  upload: { runnel_upload_piece: ['p(99)<1000'] },
  whole: { runnel_answers_whole: ['rate==1'] },
} as const;

/** Thresholds pass without a single sample: so many answers must have come. */
export const atLeast = (answers: number) => ({ runnel_answers: [`count>=${answers}`] });

export const SUMMARY = ['min', 'med', 'p(95)', 'p(99)', 'max'];
