/** The fields of server events that these readers look at. */
export interface ServerEvent {
  type: string;
  conversationId?: string;
  logId?: string | null;
  offset?: number;
  from?: number;
  at?: number;
  t?: number;
  text?: string;
  sha256?: string;
  run?: { runId: string; text: string } | null;
}

/** What one reader holds of one answer. */
export interface Reader {
  logId: string | null;
  offset: number;
  text: string;
  bytes: number;
}

export const emptyReader = (): Reader => ({ logId: null, offset: 0, text: '', bytes: 0 });

/** One server event, applied strictly: a hole or a repetition is a failure (W-8, W-9). */
export const apply = (reader: Reader, event: ServerEvent): 'ok' | 'ended' | 'failed' => {
  if (event.type === 'error') return 'failed';
  if (event.type === 'snapshot') {
    reader.logId = event.logId ?? null;
    reader.offset = event.offset ?? 0;
    if (event.run) setText(reader, event.run.text);
    return 'ok';
  }
  if (event.conversationId === undefined || event.offset === undefined || event.type === 'live') return 'ok';
  if ((event.from ?? event.offset) !== reader.offset + 1) return 'failed';
  reader.offset = event.offset;
  reader.logId = event.logId ?? reader.logId;
  if (event.type === 'chunk') {
    if (event.at !== reader.bytes) return 'failed';
    setText(reader, reader.text + (event.text ?? ''));
  }
  return event.type === 'run-ended' ? 'ended' : 'ok';
};

const setText = (reader: Reader, text: string): void => {
  reader.text = text;
  // The count model speaks ASCII: characters are bytes.
  reader.bytes = text.length;
};
