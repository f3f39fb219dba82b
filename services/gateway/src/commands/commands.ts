import { newId, toRunnelError, RunnelError, checkText, type Limits } from '@runnel/protocol';
import {
  BUSY_STORE_MS,
  titleOf,
  type BeginRun,
  type BeginRunResult,
  type RunLog,
  type RunRef,
  type SeedMessage,
} from '@runnel/coordination';
import { contextOf, traceparentOf, withPatience, type Logger, type Tracer } from '@runnel/kit';
import type { FileStore } from '@runnel/files';
import type { Admission, Beginning } from '../budgets/admission.ts';
import { withFiles } from './attach-files.ts';
import { checkAnswer, sizeOf } from './measures.ts';
import { decidePart, type DecideCommand, type DecideOutcome } from './decide.ts';
import { forkConversation, type ForkCommand, type ForkOutcome } from './fork.ts';
import { finishCancel, OWNER_GRACE_MS } from './finish-cancel.ts';
import { cancelOrThrow, changeOrThrow, runOrThrow } from './command-results.ts';
import type { Dispatcher } from '../dispatch/dispatch.ts';
import type { GatewayMetrics } from '../metrics.ts';
import type { Hub } from '../follow/hub.ts';
import type { RunTraces } from '../follow/run-traces.ts';
import type { ModelRequest } from '@runnel/protocol/http';
import type { Caller } from '../auth/identity.ts';
import type { ModelCatalogue } from '../dispatch/model-catalogue.ts';
import type { Records } from '../person/records.ts';
import { checkSystem, checkTitle } from './title.ts';

export interface PromptCommand {
  conversationId: string;
  messageId: string;
  text: string;
  parentId?: string | null;
  runId?: string;
  model?: string;
  /** Uploaded files of the caller's, in the order in which they are shown. */
  files?: readonly string[];
  /** They go a day after they came, with a conversation that nobody lists; absent: they stay. */
  passing?: boolean;
  /** Earlier turns for a conversation that is new (`/v1`); passed to `beginRun` as they are. */
  seed?: readonly SeedMessage[];
  /** What an API's caller asks of the model. Its prompt may be as long as the model takes, not only as a page sends it. */
  request?: ModelRequest;
}
export interface RegenerateCommand {
  conversationId: string;
  parentId: string;
  /** An answer to the same message that was cut: this one begins with its text. */
  continues?: string;
  runId?: string;
  model?: string;
  /** What an API's caller asked of the model with this prompt, as with the prompt. */
  request?: ModelRequest;
}
export interface RunAnswer {
  runId: string;
  /** Offset of `run-started`. */
  offset: number;
  duplicate: boolean;
}

/**
 * What a user can do, the same over WebSocket, HTTP and `/v1`. Every method rejects with a RunnelError whose code is
 * one of the protocol's; `unavailable` within a second when the store is down. Repeating a command is safe (W-4).
 */
export interface Commands {
  /** empty, too-long, model-unknown, model-unfit, rate-limited, busy (with runId), forbidden, not-found (parent, file), overloaded */
  prompt(caller: Caller, command: PromptCommand): Promise<RunAnswer>;
  regenerate(caller: Caller, command: RegenerateCommand): Promise<RunAnswer>;
  /** forbidden, not-found. Answers at once; this node sees to it that the run ends (P-5). */
  cancel(caller: Caller, command: { conversationId: string; runId: string }): Promise<{ outcome: 'cancelling' | 'already-ended' }>;
  /** bad-frame, forbidden, not-found. The first decision wins (W-17, W-18). */
  decide(caller: Caller, command: DecideCommand): Promise<{ outcome: DecideOutcome }>;
  /** bad-frame (the id is another conversation's), forbidden, not-found, overloaded. */
  fork(caller: Caller, command: ForkCommand): Promise<{ outcome: ForkOutcome }>;
  deleteMessage(caller: Caller, command: { conversationId: string; messageId: string }): Promise<{ offset: number }>;
  /** `forget`: the person is erased, by `deletedBy`, and the id is nobody's afterwards. */
  deleteConversation(caller: Caller, command: { conversationId: string; forget?: boolean; deletedBy?: string }): Promise<void>;
  setTitle(caller: Caller, command: { conversationId: string; title: string }): Promise<{ offset: number }>;
  /** too-long, model-unknown. An empty text or model is taken away. */
  setPreset(caller: Caller, command: { conversationId: string; system?: string; model?: string }): Promise<{ offset: number }>;
  /** not-found where the caller does not follow it on this node. */
  typing(caller: Caller, command: { conversationId: string; active: boolean }): Promise<void>;
  /** Whether the store answers at present: a command that takes long then only waits its turn. */
  worthWaiting(): boolean;
}

export interface CommandsDeps {
  runLog: RunLog;
  hub: Hub;
  dispatcher: Dispatcher;
  models: ModelCatalogue;
  /** Null: there are no files here. */
  files: FileStore | null;
  /** What hangs on a conversation goes with it. Absent: nothing does. */
  records?: Pick<Records, 'forgetConversation'>;
  /** Every budget of a run. */
  admission: Admission;
  limits: Limits;
  metrics: GatewayMetrics;
  log: Logger;
  tracer?: Tracer;
  /** Where the traces of runs that begin are kept. */
  traces?: RunTraces;
}

/** The commands of one node. `settled` resolves when none is under way, nor what one left to do (a cancel's end, a dispatch). */
export type OwnCommands = Commands & { settled(): Promise<void> };

/** P-10: an answer within a second, with room for the way to the client. What is asked gives up by itself a little later. */
const DEADLINE_MS = 800;

export const createCommands = (deps: CommandsDeps): OwnCommands => {
  const { runLog, hub, dispatcher, models, files, admission, limits, metrics, log } = deps;
  const underWay = new Set<Promise<unknown>>();
  const leftover = new Set<Promise<unknown>>();
  const leave = (work: Promise<unknown>): void => {
    leftover.add(work);
    void work.catch((err: unknown) => log.error({ event: 'command.leftover-failed', err })).finally(() => leftover.delete(work));
  };

  /** The span of a command is the parent of all that the run does later, in this process and in others. */
  const traced = async <T>(name: string, trace: string | undefined, work: (trace: { trace?: string }) => Promise<T>): Promise<T> => {
    const span = deps.tracer?.startSpan(name, {}, contextOf(trace));
    const inner = (span && traceparentOf(span)) ?? trace;
    try {
      return await work(inner === undefined ? {} : { trace: inner });
    } finally {
      span?.end();
    }
  };

  const measured = async <T>(command: string, work: () => Promise<T>): Promise<T> => {
    const stop = metrics.commandSeconds.startTimer({ command });
    const working = work();
    underWay.add(working);
    void working.catch(() => undefined).finally(() => underWay.delete(working));
    try {
      const answer = await withPatience(working, { ms: DEADLINE_MS, limitMs: BUSY_STORE_MS, worthWaiting: runLog.answering }, () => {
        // The command may still succeed; a retry is then answered `duplicate` (W-4).
        throw new RunnelError('unavailable', undefined, { retryAfterMs: DEADLINE_MS });
      });
      metrics.commands.inc({ command, outcome: 'ok' });
      return answer;
    } catch (cause) {
      const error = toRunnelError(cause);
      metrics.commands.inc({ command, outcome: error.code });
      if (error.code === 'internal') log.error({ event: 'command.failed', command, err: error.cause });
      throw error;
    } finally {
      stop();
    }
  };

  /** What a prompt and a regenerate share, from the budget to the dispatch. */
  const begin = async (
    caller: Caller,
    command: Omit<BeginRun, 'userId' | 'model'>,
    wanted: string | undefined,
    attached: readonly string[] = [],
    passing = false,
  ): Promise<RunAnswer> => {
    const { userId } = caller;
    const model = await models.resolve(wanted, caller);
    const { conversationId, runId, message } = command;
    const admitted = await admission.admit({
      userId,
      conversationId,
      messageId: message?.messageId ?? null,
      runId,
      bytes: sizeOf(command),
    });
    if (admitted.kind === 'known') return { runId: admitted.runId, offset: admitted.offset, duplicate: true };
    const settle = (beginning: Beginning): void => leave(admitted.settle(beginning));
    try {
      return await traced('runnel.begin-run', caller.trace, async (trace) => {
        const told = await withFiles({ runLog, files }, { ...command, userId }, attached, passing);
        const preset = wanted === undefined && { preset: true };
        const result = runOrThrow(await beginWith(caller, { ...told, model, ...limitsOf(command, model), ...preset, ...trace }));
        settle(result);
        if (result.outcome === 'started') deps.traces?.begun(result.runId, trace.trace);
        if (result.outcome === 'started') launch({ conversationId, runId: result.runId });
        return { runId: result.runId, offset: result.offset, duplicate: result.outcome === 'duplicate' };
      });
    } catch (cause) {
      const { code, retryable } = toRunnelError(cause);
      // A store that did not answer may carry it out all the same. Asking for what is not theirs costs the caller a prompt.
      settle(code === 'unavailable' || code === 'internal' ? { outcome: 'unknown' } : { outcome: 'refused', retryable });
      throw cause;
    }
  };

  /** Also one that asks for nothing of its own: in an API's run nobody is there to be asked, and its thread is whole. */
  const askedOf = (request: ModelRequest | undefined): { request?: string } => (request ? { request: JSON.stringify(request) } : {});

  /** What a model takes. An API's own thread is never cut: its caller is told that it is too long. */
  const limitsOf = ({ request }: Pick<BeginRun, 'request'>, model: string): Pick<BeginRun, 'room' | 'blind'> => {
    const info = models.find(model);
    const room = request === undefined ? info?.promptTokens : undefined;
    return { ...(room !== undefined && { room }), ...(info && !info.vision && { blind: true }) };
  };

  /** Who names no model gets the conversation's, for as long as there is one of that name. */
  const beginWith = async (caller: Caller, command: BeginRun): Promise<BeginRunResult> => {
    const result = await runLog.beginRun(command);
    if (result.outcome !== 'other-model') return result;
    const { preset: _preset, room: _room, blind: _blind, ...named } = command;
    const model = await models.resolve(result.model, caller).catch((error: unknown) => {
      // Gone, or not theirs any more: they named none.
      if (['model-unknown', 'forbidden'].includes(toRunnelError(error).code)) return models.resolve(undefined, caller);
      throw error;
    });
    return runLog.beginRun({ ...named, model, ...limitsOf(command, model) });
  };

  /** Dispatches in the next turn, so that the answer to the client leaves first. */
  const launch = (run: RunRef): void => {
    hub.expectChange(run.conversationId);
    leave(new Promise((resolve) => setImmediate(() => resolve(dispatcher.dispatch(run)))));
  };

  return {
    prompt: (caller, command) =>
      measured('prompt', async () => {
        const { conversationId, messageId, parentId, runId = newId(), model, seed, request, files: attached = [], passing } = command;
        if (runId === messageId) throw new RunnelError('bad-frame', 'A run is named by the message it writes, not by the one it answers.');
        // What an API's caller brings may speak for itself.
        const isSilent = request !== undefined && attached.length > 0 && command.text.trim() === '';
        const text = isSilent ? '' : checkText(command.text, request ? { textChars: Infinity } : limits);
        const message = { messageId, text };
        const place = { ...(parentId !== undefined && { parentId }), ...(seed && { seed }), ...askedOf(request) };
        return begin(caller, { conversationId, runId, message, title: titleOf(text), ...place }, model, attached, passing);
      }),
    regenerate: (caller, { conversationId, parentId, continues, runId = newId(), model, request }) =>
      measured('regenerate', () => {
        const place = { parentId, ...(continues !== undefined && { continues }), ...askedOf(request) };
        return begin(caller, { conversationId, runId, message: null, ...place, title: '' }, model);
      }),
    cancel: (caller, { conversationId, runId }) =>
      measured('cancel', async () => {
        // Watch for the end before setting the flag: `run-ended` may arrive before the store's reply.
        const seen = hub.sawEnd(conversationId, runId, OWNER_GRACE_MS);
        const result = cancelOrThrow(await runLog.cancelRun({ conversationId, runId, userId: caller.userId }));
        if (result.outcome === 'cancelling')
          leave(finishCancel({ runLog, hub, metrics, log }, { conversationId, runId }, result.owned, seen));
        return { outcome: result.outcome };
      }),
    decide: (caller, command) =>
      measured('decide', async () => {
        if (command.text !== undefined) await admission.write(caller.userId, Buffer.byteLength(checkAnswer(command.text, limits)));
        const outcome = await decidePart(runLog, caller.userId, command);
        metrics.decisions.inc({ decision: command.decision, outcome });
        const { conversationId, runId } = command;
        // With the last decision the run is free: it is offered at once, as a new one is.
        if (outcome === 'decided') launch({ conversationId, runId });
        return { outcome };
      }),
    fork: ({ userId }, command) => measured('fork', () => forkConversation({ runLog, admission }, userId, command)),
    deleteMessage: (caller, { conversationId, messageId }) =>
      measured('delete', async () => {
        const result = changeOrThrow(await runLog.deleteMessage({ conversationId, messageId, userId: caller.userId }));
        hub.expectChange(conversationId);
        return result;
      }),
    deleteConversation: ({ userId }, { conversationId, forget = false, deletedBy = userId }) =>
      measured('delete-conversation', async () => {
        changeOrThrow(await runLog.deleteConversation({ conversationId, userId, forget, deletedBy }));
        if (!forget && deps.records) leave(deps.records.forgetConversation(userId, conversationId).catch(() => undefined));
        hub.expectChange(conversationId);
      }),
    setTitle: (caller, { conversationId, title }) =>
      measured('title', async () => {
        const checked = checkTitle(title);
        await admission.write(caller.userId, Buffer.byteLength(checked));
        const result = changeOrThrow(await runLog.setTitle({ conversationId, title: checked, userId: caller.userId }));
        hub.expectChange(conversationId);
        return result;
      }),
    setPreset: (caller, { conversationId, system, model }) =>
      measured('preset', async () => {
        const told = {
          ...(system !== undefined && { system: checkSystem(system) }),
          ...(model !== undefined && { model: model === '' ? '' : await models.resolve(model, caller) }),
        };
        await admission.write(caller.userId, Buffer.byteLength(told.system ?? ''));
        return changeOrThrow(await runLog.setPreset({ conversationId, userId: caller.userId, ...told }));
      }),
    typing: (caller, { conversationId, active }) =>
      measured('typing', async () => {
        if (!hub.isFollowedBy(conversationId, caller.userId)) throw new RunnelError('not-found', 'Follow the conversation first.');
        await runLog.publishHint(conversationId, JSON.stringify({ type: 'typing', conversationId, userId: caller.userId, active }));
      }),
    worthWaiting: runLog.answering,
    settled: async () => {
      while (underWay.size + leftover.size > 0) await Promise.allSettled([...underWay, ...leftover]);
    },
  };
};
