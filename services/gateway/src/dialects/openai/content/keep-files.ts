import type { WholeFile } from '@runnel/files';
import { isPicture, RunnelError, toRunnelError, type Part } from '@runnel/protocol';
import type { ModelInfo } from '@runnel/protocol/http';
import { partOf } from '../../../commands/attach-files.ts';
import type { Caller } from '../../../auth/identity.ts';
import type { GatewayContext } from '../../../context.ts';
import type { UploadOutcome } from '../../../http/plumbing/http-metrics.ts';
import { ApiError, refuse } from '../api-error.ts';
import type { InlineFile } from './inline-files.ts';
import type { KeptFiles, ReadThread } from './thread.ts';

/** Files of one message, as with a prompt of ours. */
const MOST_FILES = 10;
/** Files of the turns before it that are kept: the newest. A model is given no more pictures than that. */
const MOST_EARLIER = 20;
/** A vector graphic is text to a model. */
const isOfPictures = (type: string): boolean => type.startsWith('image/') && type !== 'image/svg+xml';

export interface KeepContext extends Pick<GatewayContext, 'files' | 'budgets'> {
  uploaded(outcome: UploadOutcome): void;
}

/** The same refusal, with the field that it is about. */
const about = ({ param }: InlineFile, thrown: unknown): RunnelError => {
  const error = toRunnelError(thrown);
  if (error instanceof ApiError || error.retryable || error.code === 'internal') return error;
  return new ApiError(error.code, `${param}: ${error.message}`, { code: error.code.replaceAll('-', '_'), param });
};

const blind = (param: string): ApiError =>
  new ApiError('model-unfit', `${param}: this model cannot look at pictures.`, { code: 'model_unfit', param });

/**
 * Keeps the files of a request as files of its caller, under the caller's limits; the same bytes under the same name are one file. What a
 * model cannot take is refused before anything is kept.
 *
 * @throws ApiError that names the field
 */
export const keepFiles = async (
  { files, budgets, uploaded }: KeepContext,
  { userId }: Caller,
  asked: Pick<ReadThread, 'files' | 'earlierFiles'>,
  model: ModelInfo | undefined,
): Promise<KeptFiles> => {
  const kept = new Map<InlineFile, Part>();
  const all = [...asked.earlierFiles.slice(-MOST_EARLIER), ...asked.files];
  const [first] = all;
  if (first === undefined) return kept;
  if (files === null) return refuse(first.param, 'this server keeps no files.', 'unsupported_value');
  if (asked.files.length > MOST_FILES)
    refuse(asked.files[MOST_FILES]!.param, `a message has at most ${MOST_FILES} files.`, 'too_many_files');
  const unseen = model && !model.vision && asked.files.find((file) => file.isPicture);
  if (unseen) throw blind(unseen.param);
  const types = files.limits.types.filter(isOfPictures);
  for (const file of all) {
    // Each costs what its upload would.
    await budgets.command(userId);
    const { name, filetype, bytes, isPicture: sentAsPicture } = file;
    let whole: WholeFile;
    try {
      whole = await files.keep({ userId, name, filetype }, bytes, sentAsPicture ? types : files.limits.types);
      uploaded('whole');
    } catch (error) {
      const { code } = toRunnelError(error);
      if (code === 'unsupported-type' || code === 'too-large' || code === 'quota') uploaded(code);
      throw about(file, error);
    }
    const part = partOf(whole, kept.size);
    if (sentAsPicture && !isPicture(part)) throw about(file, new RunnelError('unsupported-type', 'This is no picture.'));
    if (!isPicture(part) && part.tokens === undefined)
      throw about(file, new RunnelError('model-unfit', `Nothing can be read from “${part.name}”.`));
    if (isPicture(part) && model && !model.vision && asked.files.includes(file)) throw blind(file.param);
    kept.set(file, part);
  }
  return kept;
};
