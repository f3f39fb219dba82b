import type { FastifyRequest } from 'fastify';
import type { ModelInfo } from '@runnel/protocol/http';
import type { Caller } from '../../../auth/identity.ts';
import type { HeldBodies } from '../../../http/plumbing/bodies.ts';
import { ApiError } from '../api-error.ts';
import { keepFiles, type KeepContext } from './keep-files.ts';
import type { KeptFiles, ReadThread } from './thread.ts';

/** Of a request without its files: a thread of a few hundred thousand tokens. */
const MOST_WORDS = 4 * 1024 * 1024;
const NONE = Buffer.alloc(0);

export interface BringContext extends KeepContext {
  bodies: HeldBodies;
}

export interface Brought {
  kept: KeptFiles;
  /** Those of the prompt. */
  files: string[];
}

/** What a request is without the base64 of its files. */
const wordsIn = (bytes: number, { files, earlierFiles }: ReadThread): number =>
  [...files, ...earlierFiles].reduce((rest, { size }) => rest - Math.ceil(size / 3) * 4, bytes);

/**
 * The files of a request, kept; from then on nothing of its body is held here, however long its answer takes.
 *
 * @throws ApiError that names the field
 */
export const bringFiles = async (
  context: BringContext,
  request: FastifyRequest,
  caller: Caller,
  asked: ReadThread,
  model: ModelInfo | undefined,
): Promise<Brought> => {
  const { bodies } = context;
  if (wordsIn(bodies.bytesOf(request), asked) > MOST_WORDS)
    throw new ApiError('too-large', `Beside its files a request has at most ${MOST_WORDS} bytes.`, { code: 'too_large' });
  const kept = await keepFiles(context, caller, asked, model);
  for (const file of [...asked.files, ...asked.earlierFiles]) file.bytes = NONE;
  request.body = undefined;
  bodies.letGo(request);
  return { kept, files: asked.files.map((file) => kept.get(file)!.fileId!) };
};
