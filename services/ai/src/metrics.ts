import type { StoreMemory } from '@runnel/coordination';
import { LATENCY_BUCKETS_SECONDS, startAtZero, traceIdOf, type Metrics } from '@runnel/kit';
import { FINISHES } from '@runnel/protocol';
import type { ModelEntry } from '@runnel/protocol/http';
import { endpointNames } from './models/endpoints/entries.ts';
import { ENDPOINT_OUTCOMES, type EndpointOutcome } from './models/endpoints/pool.ts';
import { UNKNOWN_MODEL } from './models/unknown.ts';
import type { Claim, RunObserver, RunResult } from './run/run-job.ts';
import type { StoredAnswer } from './parking/stored-waits.ts';
import type { Repair } from './runs/end-witness.ts';
import type { HandOver } from './runs/living-owner.ts';
import { createTitleMetrics } from './titles/title-metrics.ts';
import { createToolMetrics } from './tools/tool-metrics.ts';

/** OpenTelemetry's names for what a model does (semantic conventions for generative AI), as Prometheus writes them. */
const GEN_AI = ['gen_ai_operation_name', 'gen_ai_request_model'] as const;
const chatOf = (model: string) => ({ gen_ai_operation_name: 'chat', gen_ai_request_model: model });
const RUN_SECONDS = [0.1, 0.5, 1, 5, 10, 30, 60, 300, 600];
/** Events of a log at the end of an answer; a reader who missed more than 256 starts with a snapshot. */
const LOG_EVENTS = [16, 64, 256, 1024, 4096, 16_384, 65_536];
const BYTES = [8, 16, 32, 64, 128, 256, 1024, 4096, 16_384, 65_536];

const RESULTS = [
  'complete',
  'cancelled',
  'failed',
  'interrupted',
  'released',
  'parked',
  'rerouted',
  'fenced',
  'given-up',
  'lost',
] as const satisfies RunResult[];
const REPAIRS = ['restored', 'stored', 'waits', 'stands', 'busy', 'closed', 'failed'] as const satisfies Repair[];
const HAND_OVERS = ['restored', 'handed', 'taken', 'refused'] as const satisfies HandOver[];
const UNANSWERABLE = ['unreadable', 'tried', 'model-unknown'] as const satisfies (Claim['spoilt'] | 'model-unknown')[];
const STORED = ['has', 'late', 'away'] as const satisfies StoredAnswer[];
const MODELS_FILE = ['applied', 'refused', 'unreadable'] as const;
/** The `finish` of an answer that a person or a drain stopped. */
const STOPPED = 'stopped';

export const createAiMetrics = (metrics: Metrics) => {
  const running = metrics.gauge('runnel_ai_runs', 'Runs this pod writes now');
  const runsLimit = metrics.gauge('runnel_ai_runs_limit', 'MAX_RUNS: runs that this pod writes at the same time');
  const claims = metrics.counter('runnel_ai_claims_total', 'Tries to claim a run, by outcome', ['outcome']);
  const takeovers = metrics.counter('runnel_ai_takeovers_total', 'Runs gone on with after another owner');
  const ends = metrics.counter('runnel_ai_run_end_total', 'Runs that left this pod, by reason and model', ['reason', 'model']);
  const fallbacks = metrics.counter('runnel_ai_fallbacks_total', 'Answers that another model gave in the place of the one that was asked', [
    'model',
    'to',
  ]);
  const endpoints = metrics.counter(
    'runnel_ai_endpoint_requests_total',
    'Requests to the endpoints of a model that has several, by outcome; ejected: it failed too often, and rests',
    ['model', 'endpoint', 'outcome'],
  );
  const finishes = metrics.counter('runnel_ai_finish_total', 'Answers that ended here, by how the model stopped', ['finish', 'model']);
  const runSeconds = metrics.histogram('gen_ai_client_operation_duration_seconds', 'An answer, from claim to end', RUN_SECONDS, GEN_AI);
  const appendSeconds = metrics.histogram('runnel_ai_append_seconds', 'One append to the log', LATENCY_BUCKETS_SECONDS);
  const waitSeconds = metrics.histogram(
    'runnel_ai_append_wait_seconds',
    "From the model's first byte of a piece to its append: what the store's slowness adds (L-4)",
    LATENCY_BUCKETS_SECONDS,
  );
  const appends = metrics.counter('runnel_ai_appends_total', 'Appends, by outcome', ['outcome']);
  const pieceBytes = metrics.histogram('runnel_ai_append_bytes', 'Text of one append', BYTES);
  const logEvents = metrics.histogram('runnel_ai_log_events', 'Events the log of a conversation has had when an answer ends', LOG_EVENTS);
  const fenced = metrics.counter('runnel_ai_fenced_total', 'Writes the store refused because the run belongs to another');
  const restores = metrics.counter('runnel_ai_restores_total', 'Runs written again after the store lost them, by outcome', ['outcome']);
  const endRepairs = metrics.counter(
    'runnel_ai_end_repairs_total',
    'Ends looked for in a store that went back, by outcome; stored: written again as the database has it; waits: none, and it waits again as the database has it',
    ['outcome'],
  );
  startAtZero(endRepairs, { outcome: REPAIRS });
  const handOvers = metrics.counter(
    'runnel_ai_hand_overs_total',
    'Runs that a pod still wrote when another had claimed an older copy of them, by what became of the text',
    ['outcome'],
  );
  startAtZero(handOvers, { outcome: HAND_OVERS });
  const unanswerable = metrics.counter('runnel_ai_unanswerable_total', 'Runs that were ended failed without asking a model, by why', [
    'why',
  ]);
  startAtZero(unanswerable, { why: UNANSWERABLE });
  const waiting = metrics.gauge(
    'runnel_ai_waiting_runs',
    'Runs that the last sweep of this pod found and had no place for, of as many as it asks for, half answers first',
    ['kind'],
  );
  for (const kind of ['half', 'fresh']) waiting.set({ kind }, 0);
  const modelsFile = metrics.counter(
    'runnel_ai_models_file_total',
    'Texts of MODELS_FILE that this pod has found, by what became of them',
    ['outcome'],
  );
  startAtZero(modelsFile, { outcome: MODELS_FILE });
  const modelsWrong = metrics.gauge('runnel_ai_models_file_wrong', '1 while MODELS_FILE is wrong or away and older models are kept');
  const cut = metrics.counter('runnel_ai_cut_answers_total', 'Answers that were stopped at MAX_ANSWER_BYTES');
  const endsKept = metrics.gauge(
    'runnel_ai_ends_kept_bytes',
    'Memory of answers that ended lately, for a store that goes back behind them',
  );
  const storeTroubles = metrics.counter('runnel_ai_store_troubles_total', 'Times the store stopped answering a run');
  const firstChunk = metrics.histogram(
    'gen_ai_client_operation_time_to_first_chunk_seconds',
    "The model's first text",
    LATENCY_BUCKETS_SECONDS,
    GEN_AI,
  );
  const nextChunk = metrics.histogram(
    'gen_ai_client_operation_time_per_output_chunk_seconds',
    "The model's next text",
    LATENCY_BUCKETS_SECONDS,
    GEN_AI,
  );
  const toolMetrics = createToolMetrics(metrics);
  const titleMetrics = createTitleMetrics(metrics);
  const parks = metrics.counter(
    'runnel_ai_parks_total',
    'Answers that began to wait for a person, by whether the database had them before: has, late, or away',
    ['database'],
  );
  startAtZero(parks, { database: STORED });
  const callsTold = metrics.counter(
    'runnel_ai_calls_told_total',
    'Calls that a person approved, by whether the database knew of them before they were made: has, late, or away',
    ['database'],
  );
  startAtZero(callsTold, { database: STORED });
  const storeMemory = metrics.gauge('runnel_store_memory_bytes', 'Memory that Redis holds; of a cluster, the fullest master');
  const storeLimit = metrics.gauge('runnel_store_memory_limit_bytes', 'Above this Redis refuses to write; 0: it has no limit');
  // Zero until it is known would look like an empty store, and a pod that never reaches Redis would go on saying so.
  for (const gauge of [storeMemory, storeLimit]) gauge.remove();

  return {
    /** A first failure must be seen as a rise, so the words of this pod's models begin at zero. */
    known(models: readonly Pick<ModelEntry, 'id' | 'fallback' | 'endpoints'>[]): void {
      for (const { id: model, fallback = [], endpoints: places = [] } of models) {
        for (const endpoint of endpointNames(places))
          for (const outcome of ENDPOINT_OUTCOMES) endpoints.inc({ model, endpoint, outcome }, 0);
        for (const to of fallback) fallbacks.inc({ model, to }, 0);
        for (const reason of RESULTS) ends.inc({ reason, model }, 0);
        for (const finish of [...FINISHES, STOPPED]) finishes.inc({ finish, model }, 0);
      }
    },
    endpoint: (model: string, endpoint: string, outcome: EndpointOutcome): void => endpoints.inc({ model, endpoint, outcome }),
    claimed(outcome: string, epoch?: number): void {
      claims.inc({ outcome });
      if (epoch !== undefined && epoch > 1) takeovers.inc();
    },
    modelsFile(outcome: (typeof MODELS_FILE)[number]): void {
      modelsFile.inc({ outcome });
      modelsWrong.set(outcome === 'applied' ? 0 : 1);
    },
    tools: toolMetrics,
    titles: titleMetrics,
    parked: (database: StoredAnswer): void => parks.inc({ database }),
    callTold: (database: StoredAnswer): void => callsTold.inc({ database }),
    endRepaired: (outcome: Repair): void => endRepairs.inc({ outcome }),
    handedOver: (outcome: HandOver): void => handOvers.inc({ outcome }),
    waiting(half: number, fresh: number): void {
      waiting.set({ kind: 'half' }, half);
      waiting.set({ kind: 'fresh' }, fresh);
    },
    endsKept: (bytes: number): void => endsKept.set(bytes),
    running: (count: number): void => running.set(count),
    runsLimit: (count: number): void => runsLimit.set(count),
    storeMemory({ usedBytes, limitBytes }: StoreMemory): void {
      storeMemory.set(usedBytes);
      storeLimit.set(limitBytes);
    },
    /** The id in the claim's `traceparent` stands beside the measurement (an exemplar). */
    ended(model: string, reason: RunResult, ms: number, { trace, spoilt }: Pick<Claim, 'trace' | 'spoilt'>): void {
      if (reason === 'failed' && model === UNKNOWN_MODEL) unanswerable.inc({ why: spoilt ?? 'model-unknown' });
      ends.inc({ reason, model });
      runSeconds.observe(chatOf(model), ms / 1000);
      metrics.exemplar(runSeconds, chatOf(model), ms / 1000, traceIdOf(trace));
    },
    observer: (model: string, trace: string | null = null): RunObserver => ({
      appended(outcome, ms, piece) {
        appends.inc({ outcome });
        appendSeconds.observe(ms / 1000);
        waitSeconds.observe(Math.max(0, Date.now() - piece.t - ms) / 1000);
        pieceBytes.observe(piece.bytes);
        if (outcome === 'fenced') fenced.inc();
      },
      restored: (outcome) => restores.inc({ outcome }),
      ended(offset, finish) {
        logEvents.observe(offset);
        finishes.inc({ finish: finish ?? STOPPED, model });
      },
      rerouted: (_error, to) => fallbacks.inc({ model, to }),
      cut: () => cut.inc(),
      troubled: () => storeTroubles.inc(),
      firstToken(ms) {
        firstChunk.observe(chatOf(model), ms / 1000);
        metrics.exemplar(firstChunk, chatOf(model), ms / 1000, traceIdOf(trace));
      },
      token: (ms) => nextChunk.observe(chatOf(model), ms / 1000),
    }),
  };
};
export type AiMetrics = ReturnType<typeof createAiMetrics>;
