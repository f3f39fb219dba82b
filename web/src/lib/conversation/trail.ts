import type { TrailEntry } from '@runnel/client';
import type { AuditEventType, TrailFields } from '@runnel/protocol/audit';

const DETAILS = ['model', 'reason', 'owner', 'epoch', 'bytes', 'tokens', 'cancel', 'kind', 'messageId', 'sha256'] as const;
export type Detail = (typeof DETAILS)[number];

/** What an event says besides its kind, in the order of `DETAILS`; empty values are left out. Never a text: the trail has none. */
export const detailsOf = (entry: Pick<TrailEntry, 'data'>): [Detail, string][] => {
  let data: TrailFields;
  try {
    data = JSON.parse(entry.data) as TrailFields;
  } catch {
    return [];
  }
  const text = data.text ?? data.message?.text;
  const values: Record<Detail, string | number | undefined> = {
    model: data.model,
    reason: data.reason,
    // `<pod>.<random part of its process>`; another name is shown whole.
    owner: data.owner?.replace(/\.[0-9a-f]+$/, ''),
    epoch: data.epoch,
    bytes: text?.bytes,
    tokens: data.usage && `${data.usage.promptTokens} → ${data.usage.completionTokens}`,
    cancel: data.cancel && `${data.cancel.stoppedAt - data.cancel.requestedAt} ms`,
    kind: data.kind,
    messageId: data.messageId ?? data.message?.messageId,
    sha256: text && `${text.sha256.slice(0, 12)}…`,
  };
  return DETAILS.flatMap((name): [Detail, string][] =>
    values[name] === undefined || values[name] === '' ? [] : [[name, String(values[name])]],
  );
};

type Tone = 'plain' | 'good' | 'warn' | 'bad';
const TONES: Partial<Record<AuditEventType, Tone>> = {
  STREAM_COMPLETED: 'good',
  STREAM_CANCELLED: 'warn',
  RECOVERY_ATTEMPT: 'warn',
  STREAM_ERROR: 'bad',
  MESSAGE_DELETED: 'bad',
  SESSION_DELETED: 'bad',
};

/** What kind of news an event is, for its colour. */
export const toneOf = (type: string): Tone => TONES[type as AuditEventType] ?? 'plain';

/** `datetime-local` is the reader's own time; undefined for an empty field. */
export const timeOf = (field: string): number | undefined => {
  const time = Date.parse(field);
  return Number.isNaN(time) ? undefined : time;
};

/** What is asked of the trail besides its conversation, as its form and the address have it. */
export interface TrailQuestion {
  user: string;
  from: string;
  to: string;
}
const QUESTION = { user: 'who', from: 'from', to: 'to' } as const;

/** @param search as in `location.search` */
export const questionOf = (search: string): TrailQuestion => {
  const asked = new URLSearchParams(search);
  const of = (name: string): string => asked.get(name) ?? '';
  return { user: of(QUESTION.user), from: of(QUESTION.from), to: of(QUESTION.to) };
};

/** The same address with another question; what else it says stays. */
export const searchOf = (search: string, question: TrailQuestion): string => {
  const asked = new URLSearchParams(search);
  for (const [field, name] of Object.entries(QUESTION)) {
    const value = question[field as keyof TrailQuestion].trim();
    if (value === '') asked.delete(name);
    else asked.set(name, value);
  }
  return asked.size === 0 ? '' : `?${asked.toString()}`;
};
