import type { Replay } from '@runnel/protocol/http';

export interface Step {
  /** Milliseconds since the run started, in its own time. */
  ms: number;
  event: string;
  data: object;
}

/** The steps of a replay, in order: each piece of text at its time, markers between them, the end last. Pure. */
export const stepsOf = ({ message, pieces, markers, parts = [] }: Replay): Step[] => {
  const bytes = Buffer.from(message.text);
  const runId = message.messageId;
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  const steps: Step[] = pieces.map(({ ms, at, bytes: length, hole }) => ({
    ms,
    event: 'chunk',
    // A piece may end inside a character: its bytes go with the next.
    data: { runId, at, text: decoder.decode(bytes.subarray(at, at + length), { stream: true }), ...(hole && { hole }) },
  }));
  for (const { ms, part } of parts) steps.push({ ms, event: 'part', data: { runId, part } });
  for (const { ms, what, ...rest } of markers) if (what !== 'end') steps.push({ ms, event: 'marker', data: { runId, what, ...rest } });
  steps.sort((a, b) => a.ms - b.ms);
  const end = markers.find(({ what }) => what === 'end');
  const endMs = Math.max(end?.ms ?? 0, steps.at(-1)?.ms ?? 0);
  return [...steps, { ms: endMs, event: 'end', data: { runId, reason: end?.reason ?? 'complete', bytes: bytes.length, ms: endMs } }];
};
