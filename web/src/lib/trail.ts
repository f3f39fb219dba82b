import type { TrailEntry } from '@runnel/client';

const DETAILS = ['model', 'reason', 'owner', 'epoch', 'bytes', 'tokens', 'cancel', 'kind', 'messageId', 'sha256'] as const;
export type Detail = (typeof DETAILS)[number];

interface Data {
  model?: string;
  reason?: string;
  owner?: string;
  epoch?: number;
  kind?: string;
  messageId?: string;
  message?: { messageId: string; text?: { bytes: number; sha256: string } };
  text?: { bytes: number; sha256: string };
  usage?: { promptTokens?: number; completionTokens?: number };
  cancel?: { requestedAt: number; stoppedAt: number };
}

/** What an event says besides its kind, in the order of `DETAILS`; empty values are left out. Never a text: the trail has none. */
export const detailsOf = (entry: Pick<TrailEntry, 'data'>): [Detail, string][] => {
  let data: Data;
  try {
    data = JSON.parse(entry.data) as Data;
  } catch {
    return [];
  }
  const text = data.text ?? data.message?.text;
  const { promptTokens = 0, completionTokens = 0 } = data.usage ?? {};
  const values: Record<Detail, string | number | undefined> = {
    model: data.model,
    reason: data.reason,
    // `<pod>.<random part of its process>`
    owner: data.owner?.replace(/\.[0-9a-f]+$/, ''),
    epoch: data.epoch,
    bytes: text?.bytes,
    tokens: data.usage && `${promptTokens} → ${completionTokens}`,
    cancel: data.cancel && `${data.cancel.stoppedAt - data.cancel.requestedAt} ms`,
    kind: data.kind,
    messageId: data.messageId ?? data.message?.messageId,
    sha256: text && `${text.sha256.slice(0, 12)}…`,
  };
  return DETAILS.flatMap((name): [Detail, string][] =>
    values[name] === undefined || values[name] === '' ? [] : [[name, String(values[name])]],
  );
};

/** What kind of news an event is, for its colour. */
export const toneOf = (type: string): 'plain' | 'good' | 'warn' | 'bad' => {
  if (type === 'STREAM_COMPLETED') return 'good';
  if (type === 'STREAM_CANCELLED' || type === 'RECOVERY_ATTEMPT') return 'warn';
  return type === 'STREAM_ERROR' || type.endsWith('_DELETED') ? 'bad' : 'plain';
};

/** `datetime-local` is the reader's own time; undefined for an empty field. */
export const timeOf = (field: string): number | undefined => {
  const time = Date.parse(field);
  return Number.isNaN(time) ? undefined : time;
};
