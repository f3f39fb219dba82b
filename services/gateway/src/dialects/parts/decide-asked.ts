import { isDeepStrictEqual } from 'node:util';
import { digestOf, type Decision, type ReadState } from '@runnel/coordination';
import { isWaiting, RunnelError, type Part } from '@runnel/protocol';
import type { GatewayContext } from '../../context.ts';
import type { Caller } from '../../auth/identity.ts';
import { valueOf } from './call-of.ts';

/** A person's word on a part, as a client of another protocol brings it. */
export interface AskedDecision {
  partId: string;
  isApproved: boolean;
  /** An answer, or why not. */
  text?: string;
  /** It answers a question, and approves no call. */
  isAnswer?: boolean;
  /** The digest of the input that was shown (W-18). */
  inputSha256?: string;
  /** Or that input as a value, where the client keeps no bytes of it. */
  input?: unknown;
}

type Snapshot = Extract<ReadState, { kind: 'snapshot' }>;

/** Pure. */
const decisionOn = ({ kind, state }: Part, { isApproved, isAnswer, text }: AskedDecision): Decision => {
  if (kind === 'question') return isApproved && text !== undefined ? 'answer' : 'skip';
  if (isAnswer) throw new RunnelError('bad-frame', 'A call is approved or not; a text does not say so.');
  if (state === 'unknown') return isApproved ? 'retry' : 'skip';
  return isApproved ? 'approve' : 'deny';
};

/** Of no input at all: what is decided then is stale. */
const OTHER = digestOf('');

/** The digest of what a person was shown; a value has that of the stored input when it is what that says. Pure. */
const shownDigest = (part: Part, { inputSha256, input }: AskedDecision): string | undefined => {
  if (inputSha256 !== undefined) return inputSha256;
  if (input === undefined) return undefined;
  return isDeepStrictEqual(valueOf(part.input || '{}'), input) ? digestOf(part.input ?? '') : OTHER;
};

/** The answer that has a part: the running one, or one that has ended. Pure. */
const runWith = (
  { run, messages }: Snapshot,
  partIds: ReadonlySet<string>,
): { runId: string; parts: readonly Part[]; ended: boolean } | null => {
  const has = (parts: readonly Part[] | undefined): parts is readonly Part[] => parts?.some(({ partId }) => partIds.has(partId)) === true;
  if (run && has(run.parts)) return { runId: run.runId, parts: run.parts, ended: false };
  const message = messages.findLast(({ parts }) => has(parts));
  return message ? { runId: message.messageId, parts: message.parts!, ended: true } : null;
};

/**
 * Carries out what was decided about parts of one answer; what is decided already, and what was shown otherwise, changes nothing: the
 * client is told how it stands. Resolves to the answer's run, and the parts that nobody is asked about any more.
 *
 * @throws RunnelError `forbidden`, `not-found`, `bad-frame`
 */
export const decideAsked = async (
  { runLog, commands, budgets }: Pick<GatewayContext, 'runLog' | 'commands' | 'budgets'>,
  caller: Caller,
  conversationId: string,
  asked: readonly AskedDecision[],
): Promise<{ runId: string; decided: ReadonlySet<string> }> => {
  const decided = new Set<string>();
  await budgets.command(caller.userId);
  const state = await runLog.readState({ conversationId, userId: caller.userId, cursor: null });
  if (state.kind === 'forbidden') throw new RunnelError('forbidden');
  const found = state.kind === 'snapshot' ? runWith(state, new Set(asked.map(({ partId }) => partId))) : null;
  if (!found) throw new RunnelError('not-found', 'There is no such part.');
  const { runId, parts, ended } = found;
  for (const one of asked) {
    const part = parts.find(({ partId }) => partId === one.partId);
    if (!part) throw new RunnelError('not-found', 'There is no such part.');
    if (ended || !isWaiting(part)) continue;
    const inputSha256 = shownDigest(part, one);
    const decision = decisionOn(part, one);
    const said = decision === 'answer' || decision === 'deny' || decision === 'approve' ? one.text : undefined;
    const { outcome } = await commands.decide(caller, {
      ...{ conversationId, runId, partId: part.partId, decision },
      ...(inputSha256 !== undefined && part.kind === 'tool' && { inputSha256 }),
      ...(said !== undefined && { text: said }),
    });
    if (outcome !== 'stale') decided.add(part.partId);
  }
  return { runId, decided };
};
