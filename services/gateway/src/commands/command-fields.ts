import type { ClientFrameOf } from '@runnel/protocol';
import type { DecideCommand } from './decide.ts';
import type { PromptCommand, RegenerateCommand } from './commands.ts';

/**
 * The fields of a command, named one by one, for frames and for bodies alike. Both may have fields of their own making: those are
 * ignored, and some that a command knows (`seed`) are not for the wire.
 */
type Fields<T extends 'prompt' | 'regenerate' | 'cancel' | 'decide' | 'delete' | 'typing'> = Omit<ClientFrameOf<T>, 'type' | 'id'>;

export const promptOf = ({ conversationId, messageId, text, parentId, runId, model, files }: Fields<'prompt'>): PromptCommand => ({
  conversationId,
  messageId,
  text,
  ...(parentId !== undefined && { parentId }),
  ...(runId !== undefined && { runId }),
  ...(model !== undefined && { model }),
  ...(files !== undefined && { files }),
});

export const regenerateOf = ({ conversationId, parentId, continues, runId, model }: Fields<'regenerate'>): RegenerateCommand => ({
  conversationId,
  parentId,
  ...(continues !== undefined && { continues }),
  ...(runId !== undefined && { runId }),
  ...(model !== undefined && { model }),
});

export const cancelOf = ({ conversationId, runId }: Fields<'cancel'>) => ({ conversationId, runId });
export const decideOf = ({ conversationId, runId, partId, decision, inputSha256, text }: Fields<'decide'>): DecideCommand => ({
  conversationId,
  runId,
  partId,
  decision,
  ...(inputSha256 !== undefined && { inputSha256 }),
  ...(text !== undefined && { text }),
});
export const deleteOf = ({ conversationId, messageId }: Fields<'delete'>) => ({ conversationId, messageId });
export const typingOf = ({ conversationId, active }: Fields<'typing'>) => ({ conversationId, active });
