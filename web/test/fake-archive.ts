import type { Archive, FoundMessage, Replay, TrailEntry } from '@runnel/client';

const START = Date.UTC(2026, 2, 14, 9, 30);

const WORDS = (
  'A river bends because a straight line is **unstable**. The smallest bump sets it off, and from there on every bend feeds the next: ' +
  'water at the outside must travel further, so it runs *faster* and cuts into the bank, while at the inside it drops the sand it carries.'
).split(/(?<= )/);

/** Taken over in the middle, with a stretch of which nobody noted the times, and stopped. */
const REPLAY: Replay = {
  startedAt: START,
  ms: 12_000,
  pieces: WORDS.map((text, i) => {
    const at = 400 + i * 180;
    const isLost = at > 3_000 && at < 4_800;
    return { ms: isLost ? 6_800 : i * 180 < 4_400 ? at : at + 2_000, text, hole: isLost };
  }),
  markers: [
    { ms: 6_500, what: 'takeover', owner: 'ai-2' },
    { ms: 11_600, what: 'cancel' },
    { ms: 12_000, what: 'end', reason: 'cancelled' },
  ],
};

const found = (conversationId: string, title: string, text: string, role: 'user' | 'assistant'): FoundMessage => ({
  conversationId,
  title,
  message: { messageId: `found-${conversationId}`, parentId: null, role, text, status: 'complete', createdAt: START },
});
const FOUND = [
  found(
    'c4',
    'Kế hoạch du lịch Hà Giang mùa lúa chín',
    'Đường đến Hà Giang đẹp nhất vào tháng Chín, khi lúa chín vàng trên các thửa ruộng.',
    'assistant',
  ),
  found('c1', 'Why does a river never run straight?', 'And the road to Ha Giang, does it follow the river?', 'user'),
];

const TYPES = ['SESSION_STARTED', 'CHAT_MESSAGE', 'STREAM_STARTED', 'RECOVERY_ATTEMPT', 'STREAM_COMPLETED', 'MESSAGE_DELETED'];
const DATA = [
  { title: { bytes: 36, sha256: 'ab'.repeat(32) } },
  { message: { messageId: 'm1', text: { bytes: 36, sha256: 'cd'.repeat(32) } } },
  { model: 'demo', parentId: 'm1' },
  { kind: 'claim', owner: 'ai-2', epoch: 2 },
  { model: 'demo', owner: 'ai-2', epoch: 2, reason: 'complete', text: { bytes: 1_204, sha256: 'ef'.repeat(32) } },
  { messageId: 'm1' },
];
const entry = (i: number): TrailEntry => ({
  ...{ eventId: `k3v:a${i + 1}`, time: START + i * 1_700, type: TYPES[i % TYPES.length]!, sequence: i + 1, hash: '5f'.repeat(32) },
  ...{
    logId: 'log-1',
    conversationId: 'c1',
    userId: 'ann',
    runId: i % 6 > 1 ? 'run-1' : null,
    data: JSON.stringify(DATA[i % DATA.length]),
  },
});

/** What a database would tell. `admin`: the reader has the scope. */
export const createFakeArchive = (calls: string[], options: { admin: boolean; audit: boolean; role?: 'auditor' }): Archive => ({
  me: async () => ({ userId: 'guest', ...options }),
  async search(text) {
    calls.push(`search ${text}`);
    return { found: text.startsWith('nothing') ? [] : FOUND, next: null };
  },
  replay: async () => REPLAY,
  async trail(filter, { after } = {}) {
    calls.push(`trail ${JSON.stringify(filter)}`);
    return { events: Array.from({ length: 6 }, (_, i) => entry(after ? i + 6 : i)), next: after ? null : 'more' };
  },
  trailFile: async () => new Blob(['time\r\n']),
  verify: async () => ({ logs: 1, events: 12, texts: 4, problems: [], root: '5f1c'.repeat(16) }),
  statistics: async () => [
    {
      ...{ from: START, model: 'demo', runs: 1_204, complete: 1_150, cancelled: 41, failed: 9, interrupted: 4, takeovers: 17 },
      finishes: { stop: 1_139, length: 8, filter: 2, tools: 1, error: 0 },
      ...{ inputTokens: 48_120, outputTokens: 391_004 },
      ...{ durationMs: { p50: 4_100, p95: 11_800, p99: 20_100 }, firstTextMs: { p50: 210, p95: 640, p99: 1_300 } },
    },
  ],
});
