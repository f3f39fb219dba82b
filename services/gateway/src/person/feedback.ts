import type { PersonRecord } from '@runnel/coordination';
import { RunnelError } from '@runnel/protocol';
import { parseBody, RECORD_CHARS, Feedback, type Rating } from '@runnel/protocol/http';

/** What a record of a conversation says of its answers; what cannot be read is left out. Pure. */
export const feedbackIn = ({ fields }: Pick<PersonRecord, 'fields'>): Feedback[] =>
  Object.entries(fields).flatMap(([messageId, json]) => {
    try {
      const told = JSON.parse(json) as object;
      return [parseBody(Feedback, { messageId, ...told })];
    } catch {
      return [];
    }
  });

/** The patch of a record. @throws RunnelError `too-long` */
export const feedbackPatch = (messageId: string, rating: Rating | null, reason = ''): Record<string, string | null> => {
  const words = reason.trim().toWellFormed();
  if ([...words].length > RECORD_CHARS.reason) throw new RunnelError('too-long', `At most ${RECORD_CHARS.reason} characters.`);
  return { [messageId]: rating === null ? null : JSON.stringify({ rating, ...(words !== '' && { reason: words }) }) };
};
