import { LATENCY_BUCKETS_SECONDS, startAtZero, type Metrics } from '@runnel/kit';
import { CLOSE, ERRORS, type ErrorCode } from '@runnel/protocol';
import { KEY_CHECKS } from './auth/grants/api-keys.ts';
import { RENEWALS } from './auth/oidc/sessions.ts';
import type { Offer } from './dispatch/ai-pods.ts';
import type { ReflectorOutcome } from '@runnel/kube';

/**
 * expired: nobody had begun it in this browser, or too long ago. refused: the provider or a check said no. forbidden: none of USER_ROLES.
 * failed: a bug of ours.
 */
const SIGN_INS = ['ok', 'expired', 'refused', 'forbidden', 'unavailable', 'failed'] as const;
export type SignInOutcome = (typeof SIGN_INS)[number];
const COMMANDS = ['prompt', 'regenerate', 'cancel', 'decide', 'fork', 'delete', 'delete-conversation', 'title', 'preset', 'typing'];
/** A command's own words, not those of frames that never became a command. */
const COMMAND_OUTCOMES = ['ok', ...Object.keys(ERRORS)];
/** Why a handshake is refused, before and by the check of who calls. */
const IDENTITY_ERRORS = ['unauthorized', 'token-expired', 'unavailable', 'internal'] as const satisfies ErrorCode[];
const HANDSHAKE_ERRORS = [...IDENTITY_ERRORS, 'bad-frame', 'overloaded'] as const satisfies ErrorCode[];
const OFFERS = ['accepted', 'taken', 'unsuited', 'full', 'draining', 'failed'] as const satisfies Offer[];
const LOOKS = ['listed', 'watch-ended', 'expired', 'failed'] as const satisfies ReflectorOutcome[];

const decisionsOf = (metrics: Metrics) => {
  const counter = metrics.counter('runnel_gateway_decisions_total', 'Decisions of people about calls and questions', [
    'decision',
    'outcome',
  ]);
  for (const decision of ['approve', 'deny', 'answer', 'retry', 'skip'])
    for (const outcome of ['decided', 'already-decided', 'stale']) counter.inc({ decision, outcome }, 0);
  return counter;
};

const ownershipAnswers = (metrics: Metrics) => {
  const counter = metrics.counter('runnel_gateway_ownership_answers_total', 'What the database said a conversation is to a person', [
    'standing',
  ]);
  for (const standing of ['owner', 'stranger', 'unknown', 'unanswered']) counter.inc({ standing }, 0);
  return counter;
};

/** Everything the gateway counts, in one place: the names are the operator's interface. */
const createGatewayMetrics = (metrics: Metrics) => ({
  /** Of any histogram below. */
  exemplar: metrics.exemplar,
  sockets: metrics.gauge('runnel_gateway_sockets', 'Open WebSockets'),
  socketsLimit: metrics.gauge('runnel_gateway_sockets_limit', 'MAX_SOCKETS: WebSockets that this node takes'),
  handshakes: metrics.counter('runnel_gateway_handshakes_total', 'WebSockets that were asked for, by what became of the handshake', [
    'outcome',
  ]),
  identityChecks: metrics.counter(
    'runnel_gateway_identity_checks_total',
    'Callers, by whether it is known who they are; `nobody` showed nothing (yet)',
    ['outcome'],
  ),
  follows: metrics.gauge('runnel_gateway_follows', 'Standing follows, of all transports'),
  rooms: metrics.gauge('runnel_gateway_rooms', 'Conversations this node is subscribed to'),
  people: metrics.gauge('runnel_gateway_people', 'People whose list of conversations some socket here hears of'),
  resumes: metrics.counter('runnel_gateway_resumes_total', 'First answers to a follow', ['kind']),
  refollows: metrics.counter(
    'runnel_gateway_refollows_total',
    'Follows of what the socket follows live already: its screen had a gap (W-8), or its text did not match the hash (W-10)',
    ['reason'],
  ),
  resumeSeconds: metrics.histogram(
    'runnel_gateway_resume_seconds',
    'From a follow to its first event (P-6): the whole text so far, or what was missed',
    LATENCY_BUCKETS_SECONDS,
    ['kind'],
  ),
  reads: metrics.counter('runnel_gateway_reads_total', 'Reads of the log by outcome; one read may serve many followers', ['outcome']),
  readSeconds: metrics.histogram('runnel_gateway_read_seconds', 'Duration of a read of the log', LATENCY_BUCKETS_SECONDS),
  polls: metrics.counter('runnel_gateway_polls_total', 'Looks into the log because the channel was silent, by what they found', ['found']),
  events: metrics.tally(metrics.counter('runnel_gateway_events_total', 'Events the channels brought')),
  chunkSeconds: metrics.histogram(
    'runnel_gateway_chunk_added_seconds',
    "From the model's first byte of a chunk to its hand-over to the sockets (sampled; includes the difference of the clocks)",
    LATENCY_BUCKETS_SECONDS,
  ),
  firstSeconds: metrics.histogram('runnel_gateway_ttfb_added_seconds', 'The same for the first chunk of a run', LATENCY_BUCKETS_SECONDS),
  unsent: metrics.gauge('runnel_gateway_unsent_bytes', 'Bytes that wait in the outboxes of all sockets (W-14)'),
  merges: metrics.counter('runnel_gateway_merged_chunks_total', 'Chunks that joined a held one because the reader was slow (W-14)'),
  decisions: decisionsOf(metrics),
  closes: metrics.counter('runnel_gateway_closes_total', 'WebSockets closed by this node, by code', ['code']),
  frames: metrics.counter('runnel_gateway_frames_total', 'Client frames by type', ['type']),
  commands: metrics.counter('runnel_gateway_commands_total', 'Commands by kind and outcome', ['command', 'outcome']),
  commandSeconds: metrics.histogram('runnel_gateway_command_seconds', 'Duration of a command', LATENCY_BUCKETS_SECONDS, ['command']),
  cancels: metrics.counter('runnel_gateway_cancel_finishes_total', 'Who ended a cancelled run', ['by']),
  cancelSeconds: metrics.histogram(
    'runnel_gateway_cancel_seconds',
    'From the wish to cancel to the end of the run (P-5)',
    LATENCY_BUCKETS_SECONDS,
  ),
  dispatches: metrics.counter('runnel_gateway_dispatches_total', 'Offers of a run to an AI pod, by outcome', ['outcome']),
  discoveries: metrics.counter('runnel_gateway_discoveries_total', 'How the AI pods were looked for, by outcome', ['outcome']),
  aiPods: metrics.gauge('runnel_gateway_ai_pods', 'AI pods that take new runs, as discovered'),
  ownership: ownershipAnswers(metrics),
  expelled: metrics.counter(
    'runnel_gateway_expelled_total',
    'Conversations taken from who had made them while the database could not be asked',
  ),
  lostPods: metrics.counter('runnel_gateway_lost_pods_total', 'AI pods whose connection ended, by what became of their leases', [
    'outcome',
  ]),
  presenceWrites: metrics.counter(
    'runnel_gateway_presence_writes_total',
    'Times this node told the store on how many screens here a conversation is open, by outcome',
    ['outcome'],
  ),
  longestLine: metrics.gauge('runnel_gateway_longest_line', 'The farthest place in line that is told to somebody here who waits'),
  keyChecks: metrics.counter('runnel_gateway_key_checks_total', 'API keys that were shown, by what they were', ['outcome']),
  liveGrants: metrics.gauge('runnel_gateway_live_grants', 'Keys and sessions that a socket or a stream here lives of'),
  signIns: metrics.counter('runnel_gateway_sign_ins_total', 'People who came back from the identity provider, by what became of it', [
    'outcome',
  ]),
  renewals: metrics.counter('runnel_gateway_session_renewals_total', 'Sessions that the identity provider was asked about, by its answer', [
    'outcome',
  ]),
  breakers: metrics.gauge('runnel_gateway_open_breakers', 'AI pods that are left alone for a while'),
});

export type GatewayMetrics = ReturnType<typeof createGatewayMetrics>;

export const gatewayMetrics = (metrics: Metrics): GatewayMetrics => {
  const all = createGatewayMetrics(metrics);
  startAtZero(all.commands, { command: COMMANDS, outcome: COMMAND_OUTCOMES });
  startAtZero(all.dispatches, { outcome: [...OFFERS, 'queued'] });
  startAtZero(all.discoveries, { outcome: [...LOOKS, 'resolved'] });
  startAtZero(all.lostPods, { outcome: ['cut', 'nothing', 'failed'] });
  startAtZero(all.handshakes, { outcome: ['accepted', 'full', ...HANDSHAKE_ERRORS] });
  startAtZero(all.identityChecks, { outcome: ['ok', 'nobody', ...IDENTITY_ERRORS] });
  startAtZero(all.keyChecks, { outcome: [...KEY_CHECKS] });
  startAtZero(all.signIns, { outcome: [...SIGN_INS] });
  startAtZero(all.renewals, { outcome: [...RENEWALS] });
  startAtZero(all.closes, { code: Object.values(CLOSE).map(String) });
  startAtZero(all.polls, { found: ['true', 'false'] });
  startAtZero(all.refollows, { reason: ['gap', 'mismatch'] });
  startAtZero(all.resumes, { kind: ['fresh', 'snapshot', 'tail'] });
  startAtZero(all.reads, { outcome: ['none', 'snapshot', 'tail', 'forbidden', 'unavailable', 'internal'] });
  startAtZero(all.presenceWrites, { outcome: ['ok', 'failed'] });
  startAtZero(all.cancels, { by: ['owner', 'gateway', 'nobody'] });
  return all;
};
