import { titleOf, type BeginRun, type RunLog } from '@runnel/coordination';
import type { FileStore, WholeFile } from '@runnel/files';
import { isPicture, newId, RunnelError, type Part } from '@runnel/protocol';

/** A file as a part of its person's message. Pure but for its name. */
export const partOf = ({ fileId, name, whole }: WholeFile, index: number): Part => ({
  ...{ partId: newId(), index, at: 0, kind: 'file', state: 'done', fileId, name },
  ...whole,
});

/**
 * The files of a prompt as parts of its message, in their order. From now on they stay until somebody deletes them: before the prompt is
 * written, so that none is swept that a message shows; `passing`: a day, as long as a conversation that nobody lists.
 *
 * @throws RunnelError `not-found`: unknown, unfinished or somebody else’s; `model-unfit`: no model can be told of its content
 */
const attachFiles = async (files: FileStore | null, userId: string, fileIds: readonly string[], passing = false): Promise<Part[]> => {
  const found = await Promise.all(fileIds.map((fileId) => files?.find(fileId, userId) ?? null));
  const whole = found.map((file): WholeFile => {
    if (!file?.whole) throw new RunnelError('not-found', 'There is no such file, or it is not whole yet.');
    return file as WholeFile;
  });
  const parts = whole.map(partOf);
  const unread = parts.find((part) => !isPicture(part) && part.tokens === undefined);
  if (unread) throw new RunnelError('model-unfit', `Nothing can be read from “${unread.name}”.`);
  if (!passing) await Promise.all(whole.map((file) => files!.use(file)));
  return parts;
};

/** A prompt with its files. One that was begun before is answered as it was, whatever became of its files since (W-4): then it needs none. */
export const withFiles = async (
  { runLog, files }: { runLog: Pick<RunLog, 'findRun'>; files: FileStore | null },
  command: Omit<BeginRun, 'model'>,
  attached: readonly string[],
  passing: boolean,
): Promise<Omit<BeginRun, 'model'>> => {
  const { message, conversationId, userId, runId, title } = command;
  if (message === null || attached.length === 0) return command;
  try {
    const parts = await attachFiles(files, userId, attached, passing);
    return { ...command, title: title === '' ? titleOf(parts[0]!.name ?? '') : title, message: { ...message, parts } };
  } catch (cause) {
    const known = await runLog.findRun({ conversationId, userId, messageId: message.messageId, runId });
    if (known.outcome === 'running' || known.outcome === 'ended') return command;
    throw cause;
  }
};
