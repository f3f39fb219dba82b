import { bytesOf, type PersonRecord, type RunLog } from '@runnel/coordination';
import type { FileStore, WholeFile } from '@runnel/files';
import { RunnelError, type Message } from '@runnel/protocol';
import type { ApiKey, ExportLine, SessionInfo } from '@runnel/protocol/http';
import type { AuditClient } from './audit-client.ts';
import { createAuditHistory } from './audit-history.ts';
import { everyConversation, readHistory } from './history-source.ts';
import { readPart } from './read-part.ts';

/** Messages that are held at a time. */
const PAGE = 100;
/** A multiple of three: each piece is base64 of its own. */
const PIECE_BYTES = 48 * 1024;

export interface ExportSources {
  runLog: RunLog;
  audit: AuditClient | null;
  files: Pick<FileStore, 'list' | 'read'> | null;
  /** What they set for themselves, by kind. */
  records: (userId: string) => Promise<Readonly<Record<string, readonly PersonRecord[]>>>;
  keys: (userId: string) => Promise<readonly ApiKey[]>;
  sessions: (userId: string) => Promise<readonly Omit<SessionInfo, 'current'>[]>;
}

const messageOf = (stored: Parameters<typeof bytesOf>[0]): Message => JSON.parse(Buffer.from(bytesOf(stored)).toString()) as Message;

/** Pieces of exactly so many bytes, but for the last one. */
async function* inPieces(source: AsyncIterable<Uint8Array>, bytes: number): AsyncGenerator<Buffer> {
  let held = Buffer.alloc(0);
  for await (const chunk of source) {
    held = Buffer.concat([held, chunk]);
    for (; held.byteLength >= bytes; held = held.subarray(bytes)) yield held.subarray(0, bytes);
  }
  if (held.byteLength > 0) yield held;
}

/**
 * Everything of a person, line by line and page by page: memory stays flat whatever they have. An answer that is being written is not in it.
 *
 * @throws RunnelError `unavailable` when a store cannot tell all of it: what was written so far has no end
 */
export async function* exportPerson(sources: ExportSources, userId: string, at: number, page = PAGE): AsyncGenerator<ExportLine> {
  const { runLog, audit, files } = sources;
  const history = audit && createAuditHistory(audit);
  const counted = { conversations: 0, messages: 0, files: 0, keys: 0 };

  const whole = async (conversationId: string, message: Message): Promise<Message> => {
    if (!message.parts?.some(({ truncated }) => truncated)) return message;
    const parts = [];
    for (const part of message.parts) {
      const query = { conversationId, userId, partId: part.partId };
      parts.push(part.truncated ? await readPart(runLog, audit, query) : part);
    }
    return { ...message, parts };
  };
  const pageBefore = async (conversationId: string, before: string | undefined) => {
    const query = { conversationId, userId, limit: page, ...(before !== undefined && { before }) };
    const read = await readHistory(runLog, history, query);
    if (read.kind !== 'page') return { messages: [], hasMore: false };
    if (read.messages.length === 0 && read.hasMore) throw new RunnelError('unavailable', 'Older messages cannot be read just now.');
    return { messages: read.messages.map(messageOf), hasMore: read.hasMore };
  };

  yield { type: 'export', version: 1, userId, at };
  for await (const conversation of everyConversation(runLog, history, userId)) {
    const { conversationId } = conversation;
    yield { type: 'conversation', ...conversation };
    counted.conversations++;
    // Pages come newest first: their names are kept, so that the oldest is written first without holding all texts.
    const marks: (string | undefined)[] = [undefined];
    for (let mark: string | undefined; ;) {
      const { messages, hasMore } = await pageBefore(conversationId, mark);
      mark = messages[0]?.messageId;
      if (!hasMore || mark === undefined) break;
      marks.push(mark);
    }
    for (const mark of marks.toReversed()) {
      for (const message of (await pageBefore(conversationId, mark)).messages) {
        yield { type: 'message', conversationId, message: await whole(conversationId, message) };
        counted.messages++;
      }
    }
  }
  for (const file of (await files?.list(userId)) ?? []) {
    const { fileId, name, createdAt, length } = file;
    const known = file.whole && { mediaType: file.whole.mediaType, sha256: file.whole.sha256 };
    yield { type: 'file', fileId, name, createdAt, bytes: file.whole?.bytes ?? length, ...known };
    counted.files++;
    if (!file.whole || file.whole.bytes === 0) continue;
    let at = 0;
    for await (const piece of inPieces(files!.read(file as WholeFile, 0, file.whole.bytes - 1), PIECE_BYTES)) {
      yield { type: 'file-bytes', fileId, at, base64: piece.toString('base64') };
      at += piece.byteLength;
    }
    if (at !== file.whole.bytes) throw new RunnelError('unavailable', 'A file went while it was read.');
  }
  for (const [kind, own] of Object.entries(await sources.records(userId))) {
    for (const { name, version, fields } of own) yield { type: 'record', kind, name, version, fields: { ...fields } };
  }
  for (const key of await sources.keys(userId)) {
    yield { type: 'key', ...key };
    counted.keys++;
  }
  for (const session of await sources.sessions(userId)) yield { type: 'session', ...session };
  yield { type: 'end', ...counted };
}
