/** One conversation: carries out what `conversation-core.ts` decides and offers the commands. */
import { DEFAULT_LIMITS, RunnelError, checkText, isLogged, newId, sha256Hex, sumOf, toRunnelError, utf8Length } from '@runnel/protocol';
import type { ConversationState, Cursor, EndedRun, OkEvent, Part, ServerEvent } from '@runnel/protocol';
import { createAnswer } from './answer.ts';
import type { Api } from '../api/api.ts';
import { backoffMs } from '../connection/backoff.ts';
import type { Clock } from '../clock.ts';
import type { Connection } from '../connection/connection.ts';
import { createCore, reduce, type ConversationCore, type CoreEffect, type CoreInput } from './conversation-core.ts';
import type { ConversationHandle, MismatchReport, PromptOptions } from './conversation-handle.ts';
import type { ConversationView } from './conversation-view.ts';
import { problemOf } from '../api/errors.ts';
import { createOlderPages } from './older-pages.ts';
import type { PromptQueue } from '../prompts/prompt-queue.ts';
import { fateOf, shownFateOf, withoutShown } from '../prompts/pending-prompt.ts';
import type { Requests } from '../api/requests.ts';
import { createStore } from '../store.ts';
import { createTypingThrottle, createTypingUsers } from './typing.ts';

export interface ConversationDeps {
  connection: Pick<Connection, 'isLive' | 'state'>;
  requests: Pick<Requests, 'send'>;
  queue: PromptQueue;
  api: Pick<Api, 'history'>;
  clock: Clock;
  random: () => number;
  onMismatch?: (report: MismatchReport) => void;
  kept?: (conversationId: string) => Promise<ConversationState | null>;
}

export interface Conversation {
  handle(): ConversationHandle;
  isOpen(): boolean;
  connected(): void;
  disconnected(): void;
  receive(event: ServerEvent): void;
  /** The queue's prompts of this conversation changed. */
  refreshPending(): void;
  /** Lets go of every timer, for good. */
  dispose(): void;
}

/** Time from a `follow` to its `live`. */
const FOLLOW_DEADLINE_MS = 15_000;
/** Who knows more than a store that came back older (an answer's owner, the database) has so long before a prompt goes out again. */
const LOSS_PATIENCE_MS = 5_000;
/** What a prompt frame holds beside its text, generously. */
const FRAME_OVERHEAD_BYTES = 1_024;

const cancelOutcome = ({ outcome }: OkEvent): 'cancelling' | 'already-ended' => (outcome === 'already-ended' ? outcome : 'cancelling');

export const createConversation = (conversationId: string, deps: ConversationDeps, onIdle: () => void): Conversation => {
  const { connection, requests, queue, clock } = deps;
  const older = createOlderPages(deps.api, conversationId);
  const throttle = createTypingThrottle(clock);
  let core = createCore(conversationId);
  /** One for each open handle; aborted when it closes. */
  const handles = new Set<AbortController>();
  /** Names the present follow; answers and timers of earlier ones find another object here. */
  let attempt: object = {};
  let cancelFollow = (): void => undefined;
  let loading: Promise<void> | null = null;
  /** The log that is there now, and whether it has been for a while. */
  let trial = { logId: undefined as string | null | undefined, isOver: false, cancel: (): void => undefined };

  let devices = 1;
  /** What was last told of a run that waits for a pod. */
  let queued: { runId: string; place: number } | null = null;

  const placeOf = ({ conversation: { run } }: ConversationCore): number | null =>
    run !== null && run.text === '' && queued?.runId === run.runId && queued.place > 0 ? queued.place : null;
  const viewOf = (c: ConversationCore, typing: readonly string[], presence: readonly string[]): ConversationView => ({
    conversation: c.conversation,
    sync: c.sync,
    lastResume: c.lastResume,
    verified: c.verified,
    mismatches: c.mismatches,
    pending: withoutShown(queue.pending(conversationId), c.conversation),
    typing,
    presence,
    devices,
    place: placeOf(c),
    problem: c.problem,
  });
  const state = createStore(viewOf(core, [], []));
  const show = (change: Partial<Pick<ConversationView, 'typing' | 'presence'>> = {}): void => {
    const { typing, presence } = { ...state.get(), ...change };
    state.set(viewOf(core, typing, presence));
  };
  const typingUsers = createTypingUsers(clock, (typing) => show({ typing }));

  /** Prompts that the conversation has taken over, and those that a store which went back has lost. */
  const tend = (before: ConversationCore | null): void => {
    const { conversation, sync } = core;
    const { logId } = conversation;
    if (sync === 'live' && trial.logId !== logId) {
      trial.cancel();
      trial = { logId, isOver: false, cancel: clock.after(LOSS_PATIENCE_MS, () => ((trial.isOver = true), tend(null))) };
    }
    const isSure = sync === 'live' && trial.logId === logId && trial.isOver;
    for (const prompt of queue.pending(conversationId)) {
      const fate = fateOf(prompt, conversation);
      if (fate === 'shown' && logId !== null) queue.shown(prompt.messageId, logId);
      else if (fate === 'shown' || fate === 'passed') queue.drop(prompt.messageId);
      else if (fate === 'lost' && isSure) queue.again(prompt.messageId, logId);
    }
    // Not for each chunk.
    if (before?.conversation.messages === conversation.messages && before.conversation.run?.runId === conversation.run?.runId) {
      if (before.conversation.logId === logId && before.sync === sync) return;
    }
    for (const prompt of queue.kept(conversationId)) {
      const fate = shownFateOf(prompt, conversation);
      if (fate === 'over') queue.over(prompt.messageId);
      else if (fate === 'moved') queue.shown(prompt.messageId, logId!);
      else if (isSure && fate !== 'kept') queue.again(prompt.messageId, logId);
    }
  };

  const input = (happened: CoreInput): void => {
    const before = core;
    const [next, effects] = reduce(core, happened, clock.now());
    core = next;
    if (core !== before) show();
    tend(before);
    const { run } = core.conversation;
    const wasIdle = before.conversation.run === null || before.sync !== 'live';
    if (run !== null && core.sync === 'live' && wasIdle) queue.hold(conversationId);
    const idle = run === null && core.sync === 'live';
    if (idle && (before.conversation.run !== null || before.sync !== 'live')) queue.unblock(conversationId);
    for (const effect of effects) perform(effect);
  };

  const follow = (cursor: Cursor | null, failures: number): void => {
    const mine = (attempt = {});
    const still = (run: () => void) => (): void => void (mine === attempt && run());
    const start = (): void => {
      cancelFollow = clock.after(
        FOLLOW_DEADLINE_MS,
        still(() => input({ kind: 'late' })),
      );
      const sent = requests.send(
        { type: 'follow', conversationId, ...(cursor && { cursor }) },
        { resend: false, deadlineMs: FOLLOW_DEADLINE_MS },
      );
      // A lost connection rejects too: then `disconnected` has ended this attempt already.
      sent.catch((error: unknown) => still(() => input({ kind: 'refused', problem: problemOf(toRunnelError(error)) }))());
    };
    cancelFollow();
    if (failures > 1) cancelFollow = clock.after(backoffMs(failures - 1, deps.random), still(start));
    else start();
  };

  const prove = async (run: EndedRun, text: string, parts: readonly Part[] = []): Promise<void> => {
    const sum = run.parts && { parts: sumOf(parts).sha256 };
    input({ kind: 'hashed', runId: run.runId, sha256: await sha256Hex(text), ...sum });
  };

  const reloadOlder = async (before: string, count: number): Promise<void> =>
    input({ kind: 'reloaded', before, page: await older.span(before, count).catch(() => null) });

  const perform = (effect: CoreEffect): void => {
    switch (effect.do) {
      case 'follow':
        return follow(effect.cursor, effect.failures);
      case 'prove':
        return void prove(effect.run, effect.text, effect.parts);
      case 'report':
        return deps.onMismatch?.({ conversationId, runId: effect.run.runId, bytes: effect.run.bytes, heldBytes: effect.heldBytes });
      case 'reload-older':
        return void reloadOlder(effect.before, effect.count);
      default:
        effect satisfies never;
    }
  };

  const recall = async (): Promise<void> => {
    // What cannot be read is not there: the server has it.
    const conversation = await deps.kept?.(conversationId).catch(() => null);
    if (conversation && handles.size > 0) input({ kind: 'kept', conversation });
  };

  const endFollow = (): void => {
    attempt = {};
    cancelFollow();
    typingUsers.clear();
    input({ kind: 'disconnected' });
    queue.unblock(conversationId);
  };

  const loadOlder = async (): Promise<void> => {
    const { messages, hasMore } = core.conversation;
    const before = messages[0]?.messageId;
    if (!hasMore || before === undefined) return;
    const page = await older.page(before);
    input({ kind: 'older', before, ...page });
  };

  const prompt = (text: string, { waits = false, ...options }: PromptOptions): { messageId: string; runId: string } => {
    const limits = connection.state.get().limits ?? DEFAULT_LIMITS;
    const checked = checkText(text, limits);
    if (utf8Length(JSON.stringify(checked)) + FRAME_OVERHEAD_BYTES > limits.frameBytes) throw new RunnelError('too-long');
    const ids = { messageId: newId(), runId: newId() };
    queue.add({ ...ids, ...options, conversationId, text: checked }, { waits });
    return ids;
  };

  const cancel = async (): Promise<'cancelling' | 'already-ended'> => {
    const asked = queue.pending(conversationId).findLast((p) => p.status !== 'failed');
    const runId = core.conversation.run?.runId ?? asked?.runId;
    if (asked?.status === 'queued' && runId === asked.runId) queue.drop(asked.messageId);
    else if (runId !== undefined) return cancelOutcome(await requests.send({ type: 'cancel', conversationId, runId }));
    return 'already-ended';
  };

  const decide: ConversationHandle['decide'] = async (part, decision, text) => {
    const runId = core.conversation.run?.runId;
    if (runId === undefined) return 'already-decided';
    // What this screen shows is what is decided (W-18).
    const shown = decision === 'approve' || decision === 'retry' ? { inputSha256: await sha256Hex(part.input ?? '') } : {};
    const said = text === undefined || text.trim() === '' ? {} : { text: text.trim() };
    const { outcome } = await requests.send({ type: 'decide', conversationId, runId, partId: part.partId, decision, ...shown, ...said });
    return outcome === 'already-decided' || outcome === 'stale' ? outcome : 'decided';
  };

  const commands: Omit<ConversationHandle, 'close' | 'answer'> = {
    id: conversationId,
    state,
    prompt: (text, options = {}) => prompt(text, options),
    retry: (messageId) => queue.retry(messageId),
    discard(messageId) {
      const status = queue.pending(conversationId).find((p) => p.messageId === messageId)?.status;
      if (status === 'queued' || status === 'failed') queue.drop(messageId);
    },
    async regenerate(parentId, options = {}) {
      const runId = newId();
      const ok: OkEvent = await requests.send({ type: 'regenerate', conversationId, parentId, runId, ...options });
      return { runId: ok.runId ?? runId };
    },
    cancel,
    decide,
    deleteMessage: async (messageId) => void (await requests.send({ type: 'delete', conversationId, messageId })),
    setTyping(active) {
      if (!connection.isLive() || !throttle(active)) return;
      requests.send({ type: 'typing', conversationId, active }, { resend: false }).catch(() => undefined); // best effort
    },
    loadOlder: () => (loading ??= loadOlder().finally(() => (loading = null))),
  };

  const leave = (handle: AbortController): void => {
    handle.abort();
    if (!handles.delete(handle) || handles.size > 0) return;
    endFollow();
    if (connection.isLive()) requests.send({ type: 'unfollow', conversationId }, { resend: false }).catch(() => undefined);
    onIdle();
  };

  return {
    handle() {
      const handle = new AbortController();
      if (handles.add(handle).size === 1) {
        if (connection.isLive()) input({ kind: 'connected' });
        else void recall();
      }
      return {
        ...commands,
        answer: (runId) => createAnswer(runId, { state, clock, closed: handle.signal }),
        close: () => leave(handle),
      };
    },
    isOpen: () => handles.size > 0,
    connected: () => handles.size > 0 && input({ kind: 'connected' }),
    disconnected: endFollow,
    receive(event) {
      if (handles.size === 0) return;
      older.see(event);
      if (event.type === 'typing') {
        // The server tells everybody, the writer among them.
        if (event.userId !== connection.state.get().userId) typingUsers.set(event.userId, event.active);
      } else if (event.type === 'presence') {
        devices = event.devices ?? 1;
        show({ presence: event.users });
      } else if (event.type === 'queued-run') {
        queued = { runId: event.runId, place: event.place };
        show();
      } else if (event.type === 'snapshot' || event.type === 'live') input({ kind: 'event', event });
      else if (isLogged(event)) input({ kind: 'event', event });
    },
    refreshPending: () => show(),
    dispose() {
      endFollow();
      trial.cancel();
      for (const handle of handles) handle.abort();
    },
  };
};
