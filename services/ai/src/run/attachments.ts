import type { FileReader } from '@runnel/files';
import { filesWeight, isPicture, RunnelError, utf8Length, type Part } from '@runnel/protocol';
import type { ModelFile, ModelMessage } from '../models/provider.ts';
import type { Model } from '../models/registry.ts';
import { untilAnswered, type RetryOptions } from '../runs/retry.ts';
import type { Asked } from './asked.ts';

/** Bytes of all files of a thread that a model is given; what is older than those that have room is named only. */
const MOST_BYTES = 24 * 1024 * 1024;
/** Pictures of one request: providers refuse more. */
const MOST_PICTURES = 20;
/** How long the store of files may be away before the answer fails. */
const PATIENCE_MS = 10_000;

export interface AttachOptions extends Omit<RetryOptions, 'giveUpMs'> {
  /** Null: there are no files here. */
  files: FileReader | null;
}

/** A picture for a model that sees nothing, which no gateway had told of its models. */
const unfit = ({ messages }: Asked, { info }: Model): RunnelError | null => {
  const { parts = [] } = messages.findLast(({ role, turn }) => role === 'user' && turn?.role !== 'tool') ?? {};
  return filesWeight(parts).isSeen && !info.vision ? new RunnelError('model-unfit', 'This model cannot look at pictures.') : null;
};

/** What a model is asked, with the content of the files in it: from the newest back, as far as there is room. */
export const withContents = async (asked: Asked, model: Model, { files, ...retry }: AttachOptions): Promise<Asked> => {
  if (asked.error || asked.messages.every(({ parts }) => parts === undefined)) return asked;
  const error = unfit(asked, model);
  if (error) return { ...asked, error };
  let room = MOST_BYTES;
  let pictures = MOST_PICTURES;
  const contentOf = async (part: Part): Promise<ModelFile> => {
    if (isPicture(part) && (!model.info.vision || pictures === 0)) return { part, content: null, why: 'unseen' };
    if (room <= 0) return { part, content: null, why: 'room' };
    const content = files && (await untilAnswered(() => files.content(part.fileId ?? '', room), { ...retry, giveUpMs: PATIENCE_MS }));
    if (!content) return { part, content: null, why: 'gone' };
    room -= content.kind === 'text' ? utf8Length(content.text) : content.bytes.byteLength;
    if (content.kind === 'picture') pictures--;
    const detail = asked.details?.[part.fileId ?? ''];
    return { part, content, ...(detail !== undefined && { detail }) };
  };
  const messages: ModelMessage[] = [];
  try {
    for (const message of asked.messages.toReversed()) {
      const attached: ModelFile[] = [];
      for (const part of message.parts ?? []) attached.push(await contentOf(part));
      messages.unshift(attached.length === 0 ? message : { ...message, files: attached });
    }
  } catch (cause) {
    return { ...asked, error: cause instanceof RunnelError ? cause : new RunnelError('unavailable', undefined, { cause }) };
  }
  return { ...asked, messages };
};
