import { hashOfEntry, type AiFigures, type ModelEntry, type ModelFigures } from '@runnel/protocol/http';
import { withConditions, type Said } from '@runnel/kube';
import type { ChatModel, ChatModelStatus } from '../kinds/chat-model.ts';
import { idOf, secretsOf } from './entry.ts';
import type { MissingKey, Verdict } from './publish.ts';

const MISSING: Record<MissingKey, [reason: string, words: string]> = {
  'no-secret': ['SecretMissing', 'there is no such Secret'],
  'no-key': ['KeyMissing', 'the Secret has no such key'],
  'not-consented': ['NotConsented', 'the Secret does not consent: it needs the label runnel.dev/model-keys=true'],
  empty: ['KeyEmpty', 'the key is empty'],
  unread: ['Unread', 'the Secret could not be read'],
};
const GOES_ON = ' What was published before goes on.';
/** So many of the last answers failed that people notice. */
const FAILING = { least: 3, share: 0.5 };

/** What is known of one model from all pods that answered lately. */
export interface Standing {
  pods: number;
  serving: number;
  running: number;
  ok: number;
  failed: number;
  firstTextP95Ms: number | null;
  lastFailure?: { code: string; at: number };
  /** Where several places serve it; `resting` in any pod. */
  endpoints?: { all: number; resting: string[] };
}

/** All pods together. A quantile of several pods cannot be had from theirs; the slowest is the honest bound. Pure. */
export const standingOf = (entry: ModelEntry | undefined, id: string, pods: readonly AiFigures[]): Standing => {
  const hash = entry && hashOfEntry(entry);
  const found = pods.flatMap(({ models }) => (Object.hasOwn(models, id) ? [models[id]!] : []));
  const sum = (of: (figures: ModelFigures) => number): number => found.reduce((total, figures) => total + of(figures), 0);
  const places = found.flatMap(({ endpoints = [] }) => endpoints);
  const names = new Set(places.map(({ name }) => name));
  const resting = [...new Set(places.flatMap(({ name, resting: rests }) => (rests ? [name] : [])))].toSorted();
  const waits = found.flatMap(({ firstTextP95Ms }) => (firstTextP95Ms === null ? [] : [firstTextP95Ms]));
  const [last] = found.flatMap(({ lastFailure }) => lastFailure ?? []).toSorted((a, b) => b.at - a.at);
  return {
    pods: pods.length,
    serving: found.filter((figures) => figures.hash === hash).length,
    running: sum(({ running }) => running),
    ok: sum(({ ok }) => ok),
    failed: sum(({ failed }) => failed),
    firstTextP95Ms: waits.length === 0 ? null : Math.max(...waits),
    ...(last && { lastFailure: last }),
    ...(names.size > 0 && { endpoints: { all: names.size, resting } }),
  };
};

const accepted = (verdict: Verdict): Omit<Said, 'type'> => {
  const yes = (reason: string, message: string) => ({ status: 'True' as const, reason, message });
  const no = (reason: string, message: string) => ({ status: 'False' as const, reason, message });
  switch (verdict.word) {
    case 'published':
    case 'suspended':
      if (verdict.narrower)
        return yes(
          'FallbackNarrower',
          `It does not fall back to ${verdict.narrower.join(', ')}: not everybody who may ask it may ask that.`,
        );
      return verdict.without
        ? yes('FallbackMissing', `It does not fall back to ${verdict.without.join(', ')}: there are no such models.`)
        : yes('Accepted', 'The object is right.');
    case 'key-missing':
      return yes('Accepted', 'The object is right.');
    case 'another-default':
      return yes('AnotherDefault', `It is not the default: ${verdict.other} is, which was there before.`);
    case 'wrong':
      return no('Wrong', `${verdict.problems.join('; ')}.${verdict.kept ? GOES_ON : ''}`);
    case 'same-id':
      return no('SameId', `${verdict.other} has the same id, and was there before.`);
    case 'too-many':
      return no('TooMany', 'There are more models than a file may hold; older ones come first.');
    case 'last-one':
      return yes('LastOne', 'It is not suspended: no other model would be left.');
  }
};

const credentials = (model: ChatModel, verdict: Verdict): Omit<Said, 'type'> => {
  if (secretsOf(model).size === 0) return { status: 'True', reason: 'NoneNeeded', message: 'No key is asked for.' };
  if (verdict.word !== 'key-missing') return { status: 'True', reason: 'Found', message: 'The key is there.' };
  const [reason, words] = MISSING[verdict.why];
  return {
    status: verdict.why === 'unread' ? 'Unknown' : 'False',
    reason,
    message: `${verdict.ref}: ${words}.${verdict.kept ? GOES_ON : ''}`,
  };
};

const reachable = (standing: Standing): Omit<Said, 'type'> => {
  const said = reached(standing);
  const { resting = [] } = standing.endpoints ?? {};
  return resting.length === 0 ? said : { ...said, message: `${said.message} Endpoints that rest after failures: ${resting.join(', ')}.` };
};

const reached = ({ ok, failed, lastFailure }: Standing): Omit<Said, 'type'> => {
  if (ok + failed === 0) return { status: 'Unknown', reason: 'NotAsked', message: 'Nobody has asked it in the last minutes.' };
  const failing = failed >= FAILING.least && failed >= FAILING.share * (ok + failed);
  if (ok === 0 || failing)
    return {
      status: 'False',
      reason: 'Failing',
      message: `${failed} of ${ok + failed} answers failed, the last with ${lastFailure?.code ?? 'an error'}.`,
    };
  return { status: 'True', reason: 'Answers', message: `${ok} of ${ok + failed} answers were complete.` };
};

const ready = (parts: {
  verdict: Verdict;
  accepted: Omit<Said, 'type'>;
  keys: Omit<Said, 'type'>;
  reached: Omit<Said, 'type'>;
  standing: Standing;
  /** As the object says; whose key is missing is published as before, and suspended all the same. */
  suspended: boolean;
}): Omit<Said, 'type'> => {
  const { verdict, keys, reached, standing, suspended } = parts;
  if (parts.accepted.status !== 'True') return parts.accepted;
  if (verdict.word === 'suspended' || (suspended && verdict.word === 'key-missing'))
    return { status: 'False', reason: 'Suspended', message: 'Nobody can pick it.' };
  if (verdict.word === 'key-missing' && !verdict.kept) return { ...keys, status: 'False' };
  if (standing.pods === 0) return { status: 'Unknown', reason: 'NoFigures', message: 'No AI pod has told how it is.' };
  if (standing.serving === 0) return { status: 'False', reason: 'WaitingForPods', message: 'No AI pod has it yet.' };
  if (reached.status === 'False') return reached;
  return { status: 'True', reason: 'Serving', message: `${standing.serving} of ${standing.pods} AI pods have it.` };
};

const seconds = (ms: number): string => (ms < 995 ? `${Math.round(ms / 10) / 100}s` : `${Number((ms / 1000).toPrecision(2))}s`);

export interface StatusInput {
  model: ChatModel;
  verdict: Verdict;
  standing: Standing;
  now: number;
}

/** The status of one model. Pure: the same situation gives the same status, times included. */
export const statusOf = ({ model, verdict, standing, now }: StatusInput): ChatModelStatus => {
  const at = `${new Date(now).toISOString().slice(0, 19)}Z`;
  const suspended = model.spec.suspended === true;
  const parts = {
    suspended,
    verdict,
    accepted: accepted(verdict),
    keys: credentials(model, verdict),
    reached: reachable(standing),
    standing,
  };
  const { lastFailure, firstTextP95Ms, ok, failed, endpoints } = standing;
  const failure = lastFailure && { code: lastFailure.code, at: `${new Date(lastFailure.at).toISOString().slice(0, 19)}Z` };
  const generation = model.metadata?.generation;
  return {
    ...(generation !== undefined && { observedGeneration: generation }),
    id: idOf(model),
    pods: `${standing.serving}/${standing.pods}`,
    running: standing.running,
    ...(firstTextP95Ms !== null && { firstTextP95: seconds(firstTextP95Ms) }),
    ...(ok + failed > 0 && { failing: `${failed}/${ok + failed}` }),
    ...(endpoints && { endpoints: `${endpoints.all - endpoints.resting.length}/${endpoints.all}` }),
    ...(failure ? { lastFailure: failure } : model.status?.lastFailure && { lastFailure: model.status.lastFailure }),
    conditions: withConditions(
      model.status?.conditions ?? [],
      [
        { type: 'Ready', ...ready(parts) },
        { type: 'Accepted', ...parts.accepted },
        { type: 'CredentialsFound', ...parts.keys },
        { type: 'Reachable', ...parts.reached },
      ],
      at,
      generation,
    ),
  };
};
