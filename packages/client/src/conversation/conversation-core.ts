/**
 * A conversation as its reader keeps it, as a pure reducer over `applyEvent`: which events apply, when to follow again and
 * with what cursor, when a screen is proved (W-7 … W-13). `conversation.ts` does the I/O.
 *
 * Why no follow is answered by another follow: while one is outstanding, events that do not fit are left alone. The `live`
 * that ends it names the offset to be at, and only there is the result judged.
 */
import { applyEvent, cursorOf, emptyConversation, fromSnapshot } from '@runnel/protocol';
import type { ConversationState, Cursor, EndedRun, LiveEvent, LogEvent, Message, Part, SnapshotEvent } from '@runnel/protocol';
import type { Problem } from '../api/errors.ts';

/** `loading`: nothing has been shown yet. `resuming`: what is shown may be behind; the missing part is on its way. */
export type Sync = 'loading' | 'live' | 'resuming';
/** Whether the text of the run that ended last has the digest the log names (W-10). */
export type Verified = 'unknown' | 'verified' | 'mismatch';

/** How the last follow was answered. */
export interface Resume {
  kind: 'tail' | 'snapshot';
  /** Events applied until `live`. */
  events: number;
  ms: number;
}

export interface Following {
  cursor: Cursor | null;
  since: number;
  events: number;
  snapshot: boolean;
}

/** A digest still to be met; `again`: by a snapshot, after the own text failed it. */
export interface Proof {
  run: EndedRun;
  again: boolean;
}

export interface ConversationCore {
  conversation: ConversationState;
  sync: Sync;
  following: Following | null;
  /** Follows in a row that did not lead to a lasting `live`; the next one waits longer. */
  failures: number;
  liveSince: number;
  lastResume: Resume | null;
  verified: Verified;
  /** How often a screen was wrong and replaced. */
  mismatches: number;
  proofs: readonly Proof[];
  /** What is held contradicts the log; only a snapshot helps. */
  distrust: boolean;
  /** Why it cannot be followed at all. */
  problem: Problem | null;
}

export type CoreInput =
  | { kind: 'connected' }
  | { kind: 'disconnected' }
  | { kind: 'event'; event: LogEvent | SnapshotEvent | LiveEvent }
  /** `parts`: the digest of what is held of its parts. */
  | { kind: 'hashed'; runId: string; sha256: string; parts?: string }
  /** The server refused to follow. */
  | { kind: 'refused'; problem: Problem }
  /** No `live` in time. */
  | { kind: 'late' }
  /** What this device has kept of it from an earlier page. */
  | { kind: 'kept'; conversation: ConversationState }
  /** A page of messages from before the oldest one held. */
  | { kind: 'older'; before: string; messages: readonly Message[]; hasMore: boolean }
  /** Everything before a message, read anew (`reload-older`), or null when it could not be read. */
  | { kind: 'reloaded'; before: string; page: { messages: readonly Message[]; hasMore: boolean } | null };

export type CoreEffect =
  /** `failures` > 1: wait a jittered while first. */
  | { do: 'follow'; cursor: Cursor | null; failures: number }
  | { do: 'prove'; run: EndedRun; text: string; parts?: readonly Part[] }
  /** Lengths only, never a text. */
  | { do: 'report'; run: EndedRun; heldBytes: number }
  /** The `count` messages kept from before a snapshot may have changed unseen. */
  | { do: 'reload-older'; before: string; count: number };

/** Older messages kept through a snapshot; what is above them is loaded again on demand. */
const MAX_KEPT_OLDER = 500;
/** A follow that went live and broke again within this time counts as one more failure. */
const LASTING_MS = 5_000;

export const createCore = (conversationId: string): ConversationCore => ({
  conversation: emptyConversation(conversationId),
  sync: 'loading',
  following: null,
  failures: 0,
  liveSince: 0,
  lastResume: null,
  verified: 'unknown',
  mismatches: 0,
  proofs: [],
  distrust: false,
  problem: null,
});

type Reduced = [ConversationCore, CoreEffect[]];

const cursorToFollow = (core: ConversationCore): Cursor | null => (core.distrust ? null : cursorOf(core.conversation));

const follow = (core: ConversationCore, cursor: Cursor | null, failures: number, now: number): Reduced => {
  const following = { cursor, since: now, events: 0, snapshot: false };
  const sync = core.sync === 'loading' ? 'loading' : 'resuming';
  return [{ ...core, following, failures, sync, problem: null }, [{ do: 'follow', cursor, failures }]];
};

/** Follows once more after something did not fit. */
const followAgain = (core: ConversationCore, cursor: Cursor | null, now: number): Reduced => {
  const lasted = core.following === null && now - core.liveSince >= LASTING_MS;
  return follow(core, cursor, lasted ? 1 : core.failures + 1, now);
};

const byId = (messages: readonly Message[], messageId: string): Message | undefined => messages.find((m) => m.messageId === messageId);

/** Pages the reader has scrolled back to stay where they are when a snapshot of the newest messages arrives (W-12). */
const keepOlder = (held: ConversationState, snapshot: ConversationState): Message[] => {
  const first = snapshot.messages[0]?.messageId;
  if (held.logId !== snapshot.logId || !snapshot.hasMore || first === undefined) return [];
  const overlap = held.messages.findIndex((m) => m.messageId === first);
  return held.messages.slice(Math.max(0, overlap - MAX_KEPT_OLDER), Math.max(0, overlap));
};

const onSnapshot = (core: ConversationCore, event: SnapshotEvent): Reduced => {
  const effects: CoreEffect[] = [];
  let conversation = fromSnapshot(event);
  const older = keepOlder(core.conversation, conversation);
  if (older.length > 0) {
    effects.push({ do: 'reload-older', before: conversation.messages[0]!.messageId, count: older.length });
    conversation = { ...conversation, messages: [...older, ...conversation.messages] };
  }
  const sameLog = core.conversation.logId === event.logId;
  const proofs = core.proofs.filter(({ run, again }) => {
    if (!sameLog) return false; // the digest spoke about another log
    if (!again) return true; // under way already, with the text it is about
    const message = byId(event.messages, run.runId);
    if (!message || message.status === 'deleted') return false;
    effects.push({ do: 'prove', run, text: message.text, ...(message.parts && { parts: message.parts }) });
    return true;
  });
  const following = core.following && { ...core.following, events: core.following.events + 1, snapshot: true };
  const verified = sameLog && proofs.length === core.proofs.length ? core.verified : 'unknown';
  return [{ ...core, conversation, following, proofs, verified, distrust: false }, effects];
};

const onLive = (core: ConversationCore, event: LiveEvent, now: number): Reduced => {
  const { conversation, following } = core;
  // Of an earlier follow on the same socket: the snapshot that was asked for is still to come.
  if (following && following.cursor === null && !following.snapshot) return [core, []];
  const whole = conversation.logId === event.logId && conversation.offset >= event.offset && !core.distrust;
  // A cursor that did not help once is not tried again.
  if (!whole) return followAgain(core, following ? null : cursorToFollow(core), now);
  if (!following) return [core, []];
  const lastResume: Resume = { kind: following.snapshot ? 'snapshot' : 'tail', events: following.events, ms: now - following.since };
  return [{ ...core, sync: 'live', following: null, liveSince: now, lastResume }, []];
};

/** W-10: the screen is wrong. It is replaced by a snapshot, and that must meet the digest too. */
const onMismatch = (core: ConversationCore, run: EndedRun, heldBytes: number, now: number): Reduced => {
  const proofs = [...core.proofs.filter((p) => p.run.runId !== run.runId), { run, again: true }];
  const wrong: ConversationCore = { ...core, verified: 'mismatch', mismatches: core.mismatches + 1, proofs, distrust: true };
  const [next, effects] = followAgain(wrong, null, now);
  return [next, [{ do: 'report', run, heldBytes }, ...effects]];
};

const onGap = (core: ConversationCore, event: LogEvent, verify: boolean, now: number): Reduced => {
  const doubted = verify ? { ...core, distrust: true } : core;
  if (core.following) return [doubted, []];
  const held = core.conversation.run;
  if (verify && event.type === 'run-ended' && held?.runId === event.runId) {
    const { runId, reason, bytes, sha256, parts } = event;
    return onMismatch(core, { runId, reason, bytes, sha256, ...(parts && { parts }) }, held.bytes, now);
  }
  return followAgain(doubted, cursorToFollow(doubted), now);
};

const onLogEvent = (core: ConversationCore, event: LogEvent, now: number): Reduced => {
  const applied = applyEvent(core.conversation, event);
  if (applied.kind === 'old') return [core, []];
  if (applied.kind === 'gap') return onGap(core, event, applied.verify, now);
  const following = core.following && { ...core.following, events: core.following.events + 1 };
  const next: ConversationCore = { ...core, conversation: applied.state, following };
  if (event.type === 'run-started') return [{ ...next, verified: 'unknown' }, []];
  if (event.type !== 'run-ended') return [next, []];
  const run = applied.state.ended!;
  const { text, parts } = byId(applied.state.messages, run.runId)!;
  return [
    { ...next, verified: 'unknown', proofs: [...core.proofs, { run, again: false }] },
    [{ do: 'prove', run, text, ...(parts && { parts }) }],
  ];
};

const onHashed = (core: ConversationCore, { runId, sha256, parts }: Extract<CoreInput, { kind: 'hashed' }>, now: number): Reduced => {
  const proof = core.proofs.find((p) => p.run.runId === runId);
  if (!proof) return [core, []];
  const proofs = core.proofs.filter((p) => p !== proof);
  const isWhole = sha256 === proof.run.sha256 && (proof.run.parts === undefined || parts === proof.run.parts.sha256);
  if (isWhole) {
    if (proofs.length > 0) return [{ ...core, proofs }, []];
    return [{ ...core, proofs, verified: core.conversation.run ? 'unknown' : 'verified' }, []];
  }
  // The server's own snapshot does not match either: following again would not end.
  if (proof.again) return [{ ...core, proofs, verified: 'mismatch' }, []];
  return onMismatch(core, proof.run, proof.run.bytes, now);
};

/** Only where nothing is known and nothing is asked: whatever a server says is newer. It is followed from where it ends. */
const onKept = (core: ConversationCore, { conversation }: Extract<CoreInput, { kind: 'kept' }>): Reduced => {
  const isFirst = core.sync === 'loading' && core.following === null && core.problem === null && core.conversation.logId === null;
  if (!isFirst || conversation.conversationId !== core.conversation.conversationId) return [core, []];
  return [{ ...core, conversation, sync: 'resuming' }, []];
};

/** Replaces what is held from before a message. A snapshot that came meanwhile makes the page useless: it would leave a hole. */
const withOlder = (core: ConversationCore, before: string, page: readonly Message[], hasMore: boolean): ConversationCore => {
  const start = core.conversation.messages.findIndex((m) => m.messageId === before);
  if (start < 0) return core;
  const newer = core.conversation.messages.slice(start);
  const older = page.filter((m) => !byId(newer, m.messageId));
  return { ...core, conversation: { ...core.conversation, messages: [...older, ...newer], hasMore } };
};

const onOlder = (core: ConversationCore, input: Extract<CoreInput, { kind: 'older' }>): Reduced =>
  core.conversation.messages[0]?.messageId === input.before
    ? [withOlder(core, input.before, input.messages, input.hasMore), []]
    : [core, []];

/** One step. Pure: the same inputs give the same screen. */
export const reduce = (core: ConversationCore, input: CoreInput, now: number): Reduced => {
  switch (input.kind) {
    case 'connected':
      return follow(core, cursorToFollow(core), 0, now);
    case 'disconnected':
      return [{ ...core, following: null, sync: core.sync === 'loading' ? 'loading' : 'resuming' }, []];
    case 'event':
      if (input.event.type === 'snapshot') return onSnapshot(core, input.event);
      if (input.event.type === 'live') return onLive(core, input.event, now);
      return onLogEvent(core, input.event, now);
    case 'hashed':
      return onHashed(core, input, now);
    case 'refused':
      if (!core.following) return [core, []];
      if (input.problem.retryable) return followAgain(core, cursorToFollow(core), now);
      return [{ ...core, following: null, problem: input.problem }, []];
    case 'late':
      return core.following ? followAgain(core, cursorToFollow(core), now) : [core, []];
    case 'kept':
      return onKept(core, input);
    case 'older':
      return onOlder(core, input);
    case 'reloaded':
      return [withOlder(core, input.before, input.page?.messages ?? [], input.page?.hasMore ?? true), []];
    default:
      input satisfies never;
      return [core, []];
  }
};
