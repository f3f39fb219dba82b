/** A figure that the size is made of, and the line of the page that it was measured on: a test looks for it there. */
export interface Factor {
  value: number;
  unit: string;
  page: string;
  line: string;
}

const PERFORMANCE = 'docs/performance.md';
const measured = (value: number, unit: string, line: string, page = PERFORMANCE): Factor => ({ value, unit, page, line });

/** What one thing costs, as `npm run bench` and the benches of the pages measured it. */
export const FACTORS = {
  gatewayChunk: measured(25.9, 'µs of CPU a delivered chunk', '| CPU a delivered chunk: gateway | – | 25.9'),
  aiChunk: measured(51.6, 'µs of CPU a chunk', '| … AI pod | – | 51.6'),
  redisChunk: measured(26.3, 'µs of CPU a chunk', '| … Redis | – | 26.3'),
  idleSocket: measured(
    21.5,
    'kB a socket',
    '| idle socket, 5,000 in one gateway ([decision](decisions/0013-idle-sockets-and-busy-timelines.md)) | < 25 KB | 21.5',
  ),
  keptAnswer: measured(4.3, 'kB of Redis an answer of the last 24 h', '300 words that came one by one: 74 kB of Redis at 0.1.0, 4.3 kB'),
  liveAnswer: measured(74, 'kB of Redis an answer that is written, at most', '74 kB of Redis at 0.1.0'),
  auditEvents: measured(
    24_800,
    'events a second of one audit consumer',
    "| the audit's consumer and rebuild ([the audit](performance-audit.md)) | ≥ 20,000 events/s | 24,800",
  ),
} satisfies Record<string, Factor>;

/** What nobody measured here and somebody has to decide. */
export const ASSUMED = {
  /** Of the people who are connected, how many have an answer written to them at a time. */
  streamingShare: 0.05,
  chunksPerSecond: 20,
  answersPerPersonDay: 10,
  /** How full a core may be, so that a neighbour's death and a busy minute find room. */
  full: 0.6,
  /** Events of the audit that a turn makes. */
  eventsPerAnswer: 4,
  /** What PostgreSQL keeps of a turn, with its indexes (kB). */
  databaseTurn: 20,
  socketsPerGateway: 10_000,
  runsPerAiPod: 500,
  /** Memory that one Redis master should hold at most (GB): a copy on write has to fit beside it. */
  masterMemory: 12,
  /** How often each AI pod looks at each shard, a second. */
  looksPerSecond: 2.4,
  /** What such a look costs Redis (µs); the script alone, and what one command costs at least. */
  look: 15,
  /** List prices of a cloud, dollars a month: a core with 4 GB, a GB of a managed Redis, a GB of disk. */
  core: 35,
  redisGb: 12,
  diskGb: 0.12,
} as const;
