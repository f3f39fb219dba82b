import { storedEnd, type BeginRun, type BeginRunResult, type ChangeResult, type ReadState, type RunLog } from '@runnel/coordination';
import { newId, RunnelError, type Message } from '@runnel/protocol';
import { decide, mustAskDatabase, type Standing, type Verdict } from '../auth/access.ts';
import { AuditDesk, NEWEST, SLOW_MS, type Answer, type Asked } from './ownership.ts';
import type { AuditClient } from './audit-client.ts';
import type { GatewayMetrics } from '../metrics.ts';

/** A reader may wait longer than a prompt, and still be told of an outage in time. */
const READ_PATIENCE_MS = 450;

type DeleteMessage = Parameters<RunLog['deleteMessage']>[0];
export type OwnershipMetrics = Pick<GatewayMetrics, 'ownership' | 'expelled'>;
type Known = Exclude<Standing, 'unanswered'>;
interface Finding {
  runLog: Known;
  unproven: boolean;
}

/** Of conversations that no model was noted of. */
const lastModelOf = (messages: readonly Message[]): string | undefined =>
  messages.findLast(({ role, model }) => role === 'assistant' && model !== undefined)?.model;

const foundBy = (state: ReadState): Finding => {
  if (state.kind === 'forbidden') return { runLog: 'stranger', unproven: state.doubtful === true };
  if (state.kind === 'none') return { runLog: 'unknown', unproven: false };
  return { runLog: 'owner', unproven: state.kind === 'snapshot' && (state.unproven === true || state.lossy === true) };
};

/**
 * A run log that knows what the database knows: conversations that only the database has open and go on as if they had never left,
 * and nobody but the owner gets at them. What it lacks is asked of the audit service, put back by one script, and looked at again.
 * `access.ts` says what an answer means.
 */
export const withRehydration = (runLog: RunLog, audit: AuditClient, metrics?: OwnershipMetrics, slowMs: number = SLOW_MS): RunLog => {
  const readMs = Math.max(READ_PATIENCE_MS, slowMs);

  const expel = async (command: Parameters<RunLog['expel']>[0]): Promise<void> => {
    if ((await runLog.expel(command)).outcome === 'expelled') metrics?.expelled.inc();
  };

  /** What the store has is an older copy of a log that was deleted: it goes. Resolves to whether it did. */
  const dropCopy = async (asked: Asked, heard: NonNullable<Parameters<RunLog['deleteConversation']>[0]['heard']>): Promise<boolean> => {
    // A read gives the copy another name, and keeps the one that was deleted beside it; a prompt or a page may be the first to come.
    await runLog.readState(asked);
    return (await runLog.deleteConversation({ ...asked, heard })).outcome === 'done';
  };

  const bringBack = async (asked: Asked, answer: Extract<Answer, { standing: 'owner' }>): Promise<void> => {
    const { messages, hasMore, title = '', system, model = lastModelOf(messages), parked } = answer.page;
    const own = { ...(system && { system }), ...(model && { model }) };
    const stored = { ...asked, messages, hasMore, title, ...own, ...(parked && { parked }) };
    const state = await runLog.readState(asked);
    // An answer that runs here and has ended there: the store went back behind its end.
    const copy =
      state.kind === 'snapshot' && state.lossy && state.run
        ? { ...asked, title: state.title, epoch: state.run.epoch, run: state.run }
        : null;
    const end = copy && storedEnd(copy, messages);
    if (end) await runLog.restoreEnd({ ...end, newLogId: newId() });
    // One of them does it: a conversation that is here lacks some of it, one that is not is put back.
    if ((await runLog.rehydrate(stored)).outcome === 'exists') await runLog.mergeStored(stored);
  };

  /** Does what a verdict asks for. Resolves to whether looking again is worth it. */
  const carryOut = async (verdict: Verdict, asked: Asked, answer: Answer, { runLog: known, unproven }: Finding): Promise<boolean> => {
    const { conversationId, userId } = asked;
    if (verdict === 'forbidden') {
      if (known === 'owner') await expel({ conversationId, intruder: userId });
      return false;
    }
    // The store went back behind its deletion.
    if (answer.standing === 'unknown' && answer.deleted && known === 'owner' && unproven && (await dropCopy(asked, answer.deleted)))
      return true;
    if (answer.standing === 'unknown' && known === 'owner' && unproven)
      await runLog.mergeStored({ ...asked, title: '', messages: [], hasMore: false });
    if (answer.standing === 'owner' && answer.page.deleted && known === 'owner' && unproven)
      // It was made again since, under its id: what the database has of that takes the place of the copy.
      await dropCopy(asked, { ...answer.page.deleted, remade: true });
    if (answer.standing !== 'owner' || (verdict !== 'bring-back' && verdict !== 'expel')) return false;
    if (verdict === 'expel') await expel({ conversationId, rightful: userId });
    await bringBack(asked, answer);
    return true;
  };

  const desk = new AuditDesk(audit, slowMs, async (asked, answer) => {
    const finding = foundBy(await runLog.readState(asked));
    if (!mustAskDatabase(finding)) return;
    await carryOut(decide({ ...finding, database: answer.standing, makes: false }), asked, answer, finding);
  });

  /** Asks, decides and does it. */
  const settle = async (asked: Asked, finding: Finding, patienceMs: number, { makes = false } = {}) => {
    const answer = await desk.ask(asked, patienceMs);
    metrics?.ownership.inc({ standing: answer.standing });
    const verdict = decide({ ...finding, database: answer.standing, makes });
    return { verdict, standing: answer.standing, again: await carryOut(verdict, asked, answer, finding) };
  };

  /** A change of what is here: what is not is looked for, and nobody is told that it does not exist while that is not known. */
  const changing =
    <C extends Asked, R extends { outcome: string }>(change: (command: C) => Promise<R>) =>
    async (command: C): Promise<R | { outcome: 'forbidden' }> => {
      const result = await change(command);
      if (result.outcome !== 'not-found' && result.outcome !== 'forbidden') return result;
      const asked = { conversationId: command.conversationId, userId: command.userId };
      const finding = foundBy(await runLog.readState(asked));
      if (!mustAskDatabase(finding) && finding.runLog !== 'owner') return result;
      const { verdict, standing, again } = await settle(asked, { ...finding, unproven: true }, readMs);
      if (verdict === 'forbidden') return { outcome: 'forbidden' };
      // The look may have put its record back, too.
      if (again || finding.runLog === 'owner') return change(command);
      if (standing === 'unanswered' && finding.runLog === 'unknown') throw new RunnelError('unavailable');
      return result;
    };

  /** The turns above an old message are older than what the store keeps: they are brought with the command. */
  const beginBelow = async (command: BeginRun): Promise<BeginRunResult> => {
    const result = await runLog.beginRun({ ...command, thread: 'ask' });
    if (result.outcome !== 'older') return result;
    const asked = { conversationId: command.conversationId, userId: command.userId };
    // What is asked about itself, or only what is above it, which a model can do without (P-10).
    const isNeeded = result.messageId === command.parentId || result.messageId === command.continues;
    const thread = await desk.thread(asked, result.messageId, isNeeded ? readMs : slowMs).catch((error: unknown) => {
      if (isNeeded) throw error;
      return null;
    });
    return thread === null && isNeeded ? { outcome: 'not-found' } : runLog.beginRun({ ...command, thread: thread ?? [] });
  };

  /** Whether the store has all of these messages, on its newest page. */
  const areHere = async (asked: Asked, messageIds: readonly string[]): Promise<boolean> => {
    const page = await runLog.readHistory({ ...asked, limit: NEWEST });
    const here = new Set(page.kind === 'page' ? page.messages.map(({ messageId }) => messageId) : []);
    return messageIds.every((messageId) => here.has(messageId));
  };

  const beginRun: RunLog['beginRun'] = async (command) => {
    const { conversationId, userId, message, parentId } = command;
    const asked = { conversationId, userId };
    const first = await beginBelow({ ...command, making: 'no' });
    const isDoubtful = first.outcome === 'none' || (first.outcome === 'forbidden' && first.doubtful === true);
    // A parent that is not here may be in the database: of a conversation that lost its older turns.
    const lacksParent = first.outcome === 'not-found' && parentId !== null && parentId !== undefined;
    // The same command may have been answered in what the store lost: that answer is its answer, and not another one (W-4).
    const isLossy = first.outcome === 'lossy';
    if (!isDoubtful && !lacksParent && !isLossy) return first;
    const finding: Finding = { runLog: STANDINGS[first.outcome] ?? 'owner', unproven: first.outcome !== 'none' };
    const { verdict, standing, again } = await settle(asked, finding, slowMs, { makes: true });
    if (verdict === 'forbidden') return { outcome: 'forbidden' };
    if (lacksParent && standing === 'unanswered') {
      // What is here and cannot be answered is no business of the database's.
      if (await areHere(asked, [parentId, command.continues ?? parentId])) return first;
      throw new RunnelError('unavailable');
    }
    if (again || isLossy) return beginBelow({ ...command, making: 'proven' });
    if (verdict !== 'create' && verdict !== 'create-unproven') return first;
    if (message === null && verdict === 'create-unproven') throw new RunnelError('unavailable');
    const result = await runLog.beginRun({ ...command, making: verdict === 'create' ? 'proven' : 'unproven' });
    if (result.outcome === 'started') desk.forget(asked);
    return result;
  };

  const forkConversation: RunLog['forkConversation'] = async (command) => {
    const asked = { conversationId: command.conversationId, userId: command.userId };
    const first = await runLog.forkConversation({ ...command, making: 'no' });
    const isDoubtful = first.outcome === 'none' || (first.outcome === 'forbidden' && first.doubtful === true);
    if (!isDoubtful) return first;
    const finding: Finding = { runLog: first.outcome === 'none' ? 'unknown' : 'stranger', unproven: first.outcome !== 'none' };
    const { verdict, again } = await settle(asked, finding, slowMs, { makes: true });
    if (verdict === 'forbidden') return { outcome: 'forbidden' };
    // It was made before, and the store had forgotten it.
    if (again) return runLog.forkConversation({ ...command, making: 'proven' });
    if (verdict !== 'create' && verdict !== 'create-unproven') return first;
    const result = await runLog.forkConversation({ ...command, making: verdict === 'create' ? 'proven' : 'unproven' });
    if (result.outcome === 'forked') desk.forget(asked);
    return result;
  };

  /** One that is older than what the store keeps: the database knows whether there is such a message, and what it says. */
  const deleteMessage = async (command: DeleteMessage): Promise<ChangeResult> => {
    const result = await runLog.deleteMessage({ ...command, stored: 'ask' });
    if (result.outcome !== 'not-found' || !result.older) return result;
    const asked = { conversationId: command.conversationId, userId: command.userId };
    const thread = await desk.thread(asked, command.messageId, readMs).catch(() => undefined);
    const text = thread?.at(-1)?.text;
    const changed = await runLog.deleteMessage({ ...command, ...(text !== undefined && { stored: { text } }) });
    if (thread === undefined && changed.outcome === 'not-found') throw new RunnelError('unavailable');
    return changed;
  };

  /** What this store has heard of needs no database: it has ended here. */
  const isUnheard = async (state: ReadState, run: Asked & { runId: string }): Promise<boolean> =>
    lacks(state, run.runId) && (await runLog.findRun({ ...run, messageId: null })).outcome === 'none';

  const read: RunLog['readState'] = async (query) => {
    const state = await runLog.readState(query);
    const { conversationId, userId, runId } = query;
    const found = foundBy(state);
    // A run that is asked for and not here: the database may have heard of it after the conversation was put back.
    const isMissed =
      userId !== undefined &&
      runId !== undefined &&
      found.runLog === 'owner' &&
      (await isUnheard(state, { conversationId, userId, runId }));
    if (userId === undefined || (!mustAskDatabase(found) && !isMissed)) return state;
    const { verdict, standing, again } = await settle(
      { conversationId, userId },
      { ...found, unproven: found.unproven || isMissed },
      readMs,
    );
    if (verdict === 'forbidden') return { kind: 'forbidden' };
    const isUnsure = query.sure === true && found.runLog === 'unknown';
    if ((isUnsure || isMissed) && standing === 'unanswered') throw new RunnelError('unavailable');
    return again ? runLog.readState(query) : state;
  };

  return {
    ...runLog,
    readState: read,
    async readHistory(query) {
      const page = await runLog.readHistory(query);
      if (page.kind === 'forbidden' || (page.kind === 'page' && !page.lossy)) return page;
      if (page.kind === 'none' && page.deleted) return page;
      const asked = { conversationId: query.conversationId, userId: query.userId };
      const finding = foundBy(await runLog.readState(asked));
      // The look may have put an evicted record back; for what the store does not have at all, pages come from the database.
      if (page.kind === 'none') return finding.runLog === 'owner' ? runLog.readHistory(query) : page;
      if (!mustAskDatabase(finding)) return page;
      return (await settle(asked, finding, readMs)).again ? runLog.readHistory(query) : page;
    },
    beginRun,
    forkConversation,
    // `beginRun` checks the owner, with what the database knows.
    async findRun(query) {
      const found = await runLog.findRun(query);
      return found.outcome === 'forbidden' ? { outcome: 'none' } : found;
    },
    async cancelRun(command) {
      const result = await runLog.cancelRun(command);
      if (result.outcome !== 'gone') return result;
      const { runId, conversationId, userId } = command;
      // Where its record was evicted, the look puts it back; one that waits for a person may be in the database alone.
      const state = await read({ conversationId, userId, runId, sure: true });
      if (state.kind === 'forbidden') return { outcome: 'forbidden' };
      return state.kind === 'snapshot' && state.run?.runId === runId ? runLog.cancelRun(command) : result;
    },
    deleteMessage: changing(deleteMessage),
    deleteConversation: changing((command) => runLog.deleteConversation(command)),
    setTitle: changing((command) => runLog.setTitle(command)),
    setPreset: changing((command) => runLog.setPreset(command)),
  };
};

/** Whether neither a run nor its answer is in what was read. */
const lacks = (state: ReadState, runId: string): boolean =>
  state.kind === 'snapshot' && state.run?.runId !== runId && !state.messages.some(({ messageId }) => messageId === runId);

/** What an answer of `begin-run` says about the person. */
const STANDINGS: Partial<Record<BeginRunResult['outcome'], Known>> = {
  none: 'unknown',
  forbidden: 'stranger',
  'not-found': 'owner',
  lossy: 'owner',
};
