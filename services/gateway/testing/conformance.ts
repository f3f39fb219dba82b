import { hash } from 'node:crypto';
import { applyEvent, cursorOf, emptyConversation, fromSnapshot, joinChunks, sumOf, utf8Length } from '@runnel/protocol';
import type { ChunkEvent, ConversationState, LogEvent, ServerEvent } from '@runnel/protocol';

// Cases that every client of the native wire must meet, in whatever language: the events of real runs, what each of them is to a reader, and the
// screen at the end. `clients/conformance` has them as JSON.

export type Event = LogEvent | Extract<ServerEvent, { type: 'snapshot' | 'live' }>;
/** `gap`: follow again with the cursor; `gap-verify`: without one (W-8 … W-10). */
export type Outcome = 'snapshot' | 'applied' | 'old' | 'gap' | 'gap-verify' | 'live';

export interface Case {
  name: string;
  steps: { event: Event; outcome: Outcome }[];
  /** The reader's state behind the last step; of a run that has ended whether its text and its parts meet their digests. */
  expect: { logId: string | null; offset: number; title: string; messages: unknown[]; run: unknown; verified: boolean | null };
}

const verifiedOf = ({ ended, messages }: ConversationState): boolean | null => {
  const message = ended && messages.find(({ messageId }) => messageId === ended.runId);
  if (!ended || !message || message.status === 'deleted') return null;
  const isSame = utf8Length(message.text) === ended.bytes && hash('sha256', message.text, 'hex') === ended.sha256;
  return isSame && (!ended.parts || sumOf(message.parts ?? []).sha256 === ended.parts.sha256);
};

/** What a reader that starts with nothing makes of events. */
export const caseOf = (name: string, events: readonly Event[]): Case => {
  let state = emptyConversation('c1');
  const steps = events.map((event) => {
    if (event.type === 'live') return { event, outcome: 'live' as const };
    if (event.type === 'snapshot') {
      state = fromSnapshot(event);
      return { event, outcome: 'snapshot' as const };
    }
    const applied = applyEvent(state, event);
    if (applied.kind === 'applied') ({ state } = applied);
    return { event, outcome: applied.kind === 'gap' && applied.verify ? ('gap-verify' as const) : applied.kind };
  });
  const { offset, title, messages, run } = state;
  const shown = run && {
    runId: run.runId,
    text: run.text,
    epoch: run.epoch,
    ...(run.parts && { parts: run.parts }),
    ...(run.waiting && { waiting: run.waiting }),
  };
  const plain = messages.map(({ messageId, role, text, status, parts }) => ({ messageId, role, text, status, ...(parts && { parts }) }));
  return {
    name,
    steps,
    expect: { logId: cursorOf(state)?.logId ?? null, offset, title, messages: plain, run: shown, verified: verifiedOf(state) },
  };
};

/** Names and times of one real run, as they would be in any other. */
export const normal = (event: Event, logIds: string[]): Event =>
  JSON.parse(
    JSON.stringify(event, (key, value: unknown) => {
      if (key === 'logId' && typeof value === 'string') {
        if (!logIds.includes(value)) logIds.push(value);
        return `log${logIds.indexOf(value) + 1}`;
      }
      // How long it took (a receipt) is of one run, too.
      if (typeof value === 'number' && key.endsWith('Ms')) return 5;
      return typeof value === 'number' && (key === 't' || key === 'at' || key.endsWith('At')) && value > 1e12 ? 1_000 : value;
    }),
  ) as Event;

/** Chunks that follow each other as a slow reader gets them (W-14). */
const merged = (events: readonly Event[]): Event[] =>
  events.reduce<Event[]>((told, event) => {
    const last = told.at(-1);
    const joins = last?.type === 'chunk' || last?.type === 'part-chunk';
    const joined = joins && (event.type === 'chunk' || event.type === 'part-chunk') ? joinChunks(last, event, utf8Length(last.text)) : null;
    return joined ? [...told.slice(0, -1), joined] : [...told, event];
  }, []);

const change = (events: readonly Event[], is: (event: Event) => boolean, to: (event: never) => object): Event[] =>
  events.map((event) => (is(event) ? ({ ...event, ...to(event as never) } as Event) : event));

/** The same runs as broken lines, other releases and lying servers would tell them. Pure. */
export const brokenCases = (whole: readonly Event[], withParts: readonly Event[]): Case[] => {
  const chunks = whole.filter((event): event is ChunkEvent => event.type === 'chunk');
  const second = whole.indexOf(chunks[1]!);
  const isChunk = ({ type }: Event): boolean => type === 'chunk';
  const swap = ({ text }: ChunkEvent) => ({ text: [...text].toReversed().join('') });
  return [
    caseOf('W-14 merged pieces cover the offsets of all', merged(whole)),
    caseOf('W-16 W-14 pieces of a part are merged by part and field', merged(withParts)),
    caseOf(
      'W-8 events that came before are old',
      whole.flatMap((event): Event[] => (event.type === 'snapshot' ? [event] : [event, event])),
    ),
    caseOf('W-8 an event that is missing is a gap, and so is what comes after it', whole.toSpliced(second, 1)),
    caseOf(
      'W-9 a chunk at another byte contradicts what is held',
      change(
        whole,
        (event) => event === whole[second],
        () => ({ at: 1 }),
      ),
    ),
    caseOf('W-10 a text with other words of the same length is no proof', change(whole, isChunk, swap as never)),
    caseOf(
      'W-10 a text with less bytes than its end says is a gap',
      change(
        whole,
        ({ type }) => type === 'run-ended',
        () => ({ bytes: 1 }),
      ),
    ),
    caseOf(
      'W-16 a part with other words is no proof',
      change(withParts, (event) => event.type === 'part-chunk' && event.field === 'text', swap as never),
    ),
    caseOf(
      'W-16 an end that counts other parts is a gap',
      change(
        withParts,
        ({ type }) => type === 'run-ended',
        () => ({ parts: { count: 9, sha256: '' } }),
      ),
    ),
    caseOf(
      'an event of a later release counts its offset and changes nothing',
      change(
        whole,
        (event) => event.type === 'title',
        () => ({ type: 'of-later' }),
      ),
    ),
    caseOf(
      'W-13 another log is not the one that is held',
      change(
        whole,
        (event) => event === whole[second],
        () => ({ logId: 'other' }),
      ),
    ),
  ];
};
