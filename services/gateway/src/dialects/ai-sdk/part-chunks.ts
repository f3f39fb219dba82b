import { digestOf } from '@runnel/coordination';
import { isFinal, type Part } from '@runnel/protocol';
import { callOf, UNKNOWN_OUTCOME, valueOf } from '../parts/call-of.ts';

export type Chunk = { type: string } & Record<string, unknown>;

/** What a client was told of a part. */
export interface PartSent {
  /** Characters of what is streamed: a thought, or the arguments of a call. */
  chars: number;
  /** The arguments were told whole. */
  isWhole: boolean;
  /** What a person was asked about this call: to approve it, or what to do as nobody knows what became of it. */
  asked: 'no' | 'approve' | 'unknown';
  isAnswered: boolean;
  isOver: boolean;
}
const UNTOLD: PartSent = { chars: 0, isWhole: false, asked: 'no', isAnswered: false, isOver: false };

type Told = { chunks: Chunk[]; sent: PartSent };

const thought = ({ partId: id, state, text = '' }: Part, sent: PartSent, isNew: boolean, ended: boolean): Told => {
  const chunks: Chunk[] = isNew ? [{ type: 'reasoning-start', id }] : [];
  if (text.length > sent.chars) chunks.push({ type: 'reasoning-delta', id, delta: text.slice(sent.chars) });
  const isOver = ended || state === 'done';
  if (isOver) chunks.push({ type: 'reasoning-end', id });
  return { chunks, sent: { ...sent, chars: Math.max(sent.chars, text.length), isOver } };
};

/** A question is the client's to answer until it has one: then nobody sends it once more. */
const isOurs = ({ kind }: Part, isAnswered: boolean): boolean => kind === 'tool' || isAnswered;

const call = (part: Part, before: PartSent, isNew: boolean, ended: boolean): Told => {
  const { name, input, isWhole, result } = callOf(part, ended)!;
  const { state, approval, note } = part;
  const sent = { ...before };
  const toolCallId = part.partId;
  const approvalId = toolCallId;
  const ours = isOurs(part, result !== null) && { providerExecuted: true };
  const named = { toolCallId, toolName: name, dynamic: true, ...(part.title !== undefined && { title: part.title }), ...ours };
  const chunks: Chunk[] = isNew ? [{ type: 'tool-input-start', ...named }] : [];
  if (!sent.isWhole && input.length > sent.chars && part.kind === 'tool')
    chunks.push({ type: 'tool-input-delta', toolCallId, inputTextDelta: input.slice(sent.chars) });
  sent.chars = Math.max(sent.chars, input.length);
  const isBad = state === 'failed' && part.attempt === undefined && part.approval?.decision === undefined;
  if (isWhole && !sent.isWhole) {
    sent.isWhole = true;
    if (isBad && result) {
      chunks.push({ type: 'tool-input-error', ...named, input: valueOf(input), errorText: result.text });
      return { chunks, sent: { ...sent, isOver: true } };
    }
    chunks.push({ type: 'tool-input-available', ...named, input: valueOf(input) });
  }
  const ask = (asked: 'approve' | 'unknown', reason?: string): void => {
    // What is shown goes along as a digest, and comes back with the answer (W-18).
    const signature = digestOf(part.input ?? '');
    chunks.push({ type: 'tool-approval-request', approvalId, toolCallId, signature, ...(reason && { reason }) });
    [sent.asked, sent.isAnswered] = [asked, false];
  };
  if (part.kind === 'tool') {
    if (state === 'unknown' && !ended && sent.asked !== 'unknown') ask('unknown', `${UNKNOWN_OUTCOME} Approve to call it again.`);
    const isDecided = approval?.decision !== undefined && state !== 'unknown';
    if ((state === 'waiting' || isDecided) && sent.asked === 'no') ask('approve');
    if (isDecided && !sent.isAnswered) {
      const approved = approval.decision === 'approved';
      chunks.push({
        type: 'tool-approval-response',
        approvalId,
        approved,
        providerExecuted: true,
        ...(note !== undefined && { reason: note }),
      });
      sent.isAnswered = true;
    }
  }
  if (result === null) return { chunks, sent };
  if (state === 'denied') chunks.push({ type: 'tool-output-denied', toolCallId });
  else if (result.ok)
    chunks.push({ type: 'tool-output-available', toolCallId, output: valueOf(result.text), providerExecuted: true, dynamic: true });
  else chunks.push({ type: 'tool-output-error', toolCallId, errorText: result.text, providerExecuted: true, dynamic: true });
  return { chunks, sent: { ...sent, isOver: true } };
};

/** What a client lacks of a part, of which it was told `sent` (null: nothing). `ended`: so has its answer. `prefix`: of addresses. Pure. */
export const partChunks = (part: Part, before: PartSent | null, ended: boolean, prefix = ''): Told => {
  const sent = before ?? UNTOLD;
  if (sent.isOver) return { chunks: [], sent };
  const isNew = before === null;
  switch (part.kind) {
    case 'reasoning':
      return thought(part, sent, isNew, ended);
    case 'tool':
    case 'question':
      return call(part, sent, isNew, ended);
    case 'source': {
      const { partId: sourceId, url = '', title } = part;
      return { chunks: [{ type: 'source-url', sourceId, url, ...(title !== undefined && { title }) }], sent: { ...sent, isOver: true } };
    }
    case 'file': {
      const { fileId = '', mediaType = 'application/octet-stream' } = part;
      return { chunks: [{ type: 'file', url: `${prefix}/api/files/${fileId}`, mediaType }], sent: { ...sent, isOver: true } };
    }
    default:
      // A kind of a later release: nothing that this protocol has a word for.
      part.kind satisfies never;
      return { chunks: [], sent: { ...sent, isOver: isFinal(part) } };
  }
};
