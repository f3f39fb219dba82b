import { randomUUID } from 'node:crypto';
import { WebSocket } from 'ws';
import type { Scenario } from '../../harness/scenario.ts';
import type { Stage } from '../../harness/stage.ts';
import { bearerOf, JWT_SECRET } from '../../harness/processes/tokens.ts';
import { elapse, waitFor } from '../../harness/wait.ts';

const LIMITS = [
  'RATE_LIMIT_PER_MINUTE',
  'MAX_RUNS_PER_USER',
  'MAX_BYTES_PER_USER_DAY',
  'MAX_SOCKETS_PER_USER',
  'MAX_FOLLOWS_PER_USER',
  'MAX_READS_PER_USER',
  'MAX_REPLAYS_PER_USER',
  'MAX_COMMANDS_PER_MINUTE',
  'MAX_SEARCHES_PER_MINUTE',
];
/** As an operator gets it who sets nothing but how people are known. */
const DEFAULTS = { AUTH_MODE: 'jwt', JWT_SECRET, ...Object.fromEntries(LIMITS.map((name) => [name, ''])) };
const DEADLINE_MS = 20_000;

type Call = [method: string, path: string, body?: object];

/** As clients do: what is `unavailable` on a busy machine is asked again with the same ids (W-4). A refusal by a limit is never. */
const patiently = async <T>(ask: () => Promise<T | 'unavailable'>, what: string): Promise<T> => {
  const giveUpAt = performance.now() + DEADLINE_MS;
  for (;;) {
    const answer = await ask();
    if (answer !== 'unavailable') return answer;
    if (performance.now() > giveUpAt) throw new Error(`${what} stayed unavailable`);
    await elapse(200);
  }
};

const call = (origin: string, userId: string, asked: Call): Promise<string> =>
  patiently(() => callOnce(origin, userId, asked), asked.slice(0, 2).join(' '));

const callOnce = async (origin: string, userId: string, [method, path, body]: Call): Promise<string> => {
  const response = await fetch(`${origin}${path}`, {
    method,
    headers: { ...bearerOf(userId), ...(body && { 'content-type': 'application/json' }) },
    ...(body && { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(DEADLINE_MS),
  });
  const text = await response.text();
  if (response.status === 503 && text.includes('"unavailable"')) return 'unavailable';
  if (!response.ok) throw new Error(`${userId}: ${method} ${path} was answered ${response.status} ${text.slice(0, 200)}`);
  return text;
};

const promptOf = (conversationId: string, text: string) => ({ conversationId, messageId: randomUUID(), runId: randomUUID(), text });

/** A page that follows conversations over one socket; every answer has to be an `ok`. */
class Page {
  readonly #socket: WebSocket;
  readonly #answers = new Map<unknown, { type: string; code?: string }>();
  readonly ended = new Set<string>();
  #closed: number | null = null;

  constructor(origin: string, userId: string) {
    this.#socket = new WebSocket(`${origin.replace('http', 'ws')}/ws/chat`, 'runnel.v1', { headers: bearerOf(userId) });
    this.#socket.on('open', () => this.#socket.send('{"type":"hello","protocol":1}'));
    this.#socket.on('error', () => undefined);
    this.#socket.on('close', (code) => (this.#closed = code));
    this.#socket.on('message', (data: Buffer) => {
      const frame = JSON.parse(data.toString()) as { type: string; id?: unknown; runId?: string };
      this.#answers.set(frame.type === 'welcome' ? 'welcome' : frame.id, frame);
      if (frame.type === 'run-ended') this.ended.add(frame.runId!);
    });
  }

  async send(frame: object): Promise<void> {
    await this.#answered('welcome');
    const what = JSON.stringify(frame).slice(0, 80);
    await patiently(async () => {
      const id = randomUUID();
      this.#socket.send(JSON.stringify({ id, ...frame }));
      const { type, code } = await this.#answered(id);
      if (type !== 'ok' && code !== 'unavailable') throw new Error(`${what} was answered ${type} ${code}`);
      return type === 'ok' ? type : 'unavailable';
    }, what);
  }

  async #answered(id: unknown): Promise<{ type: string; code?: string }> {
    return waitFor(
      () => {
        if (this.#closed !== null) throw new Error(`closed with ${this.#closed}`);
        return this.#answers.get(id);
      },
      { deadlineMs: DEADLINE_MS, what: `an answer to ${String(id)}` },
    );
  }

  close(): void {
    this.#socket.terminate();
  }
}

const integrator = async (stage: Stage): Promise<void> => {
  const body = { model: 'count', stream: true, messages: [{ role: 'user', content: 'count 40 at 20' }] };
  const answers = await Promise.all(
    Array.from({ length: 20 }, () => call(stage.origin(), 'integrator', ['POST', '/v1/chat/completions', body])),
  );
  const whole = answers.filter((text) => text.includes('w000040') && text.includes('[DONE]')).length;
  if (whole !== answers.length) throw new Error(`${whole} of ${answers.length} answers came whole`);
};

const tabs = async (stage: Stage): Promise<void> => {
  const conversations = Array.from({ length: 10 }, () => stage.newConversation());
  await Promise.all(conversations.map((id) => call(stage.origin(), 'ann', ['POST', '/api/chat', promptOf(id, 'count 30 at 20')])));
  const tab = async (origin: string): Promise<void> => {
    const page = new Page(origin, 'ann');
    const paths = ['/api/conversations', '/api/me', '/api/models', ...conversations.map((id) => `/api/history/${id}`)];
    const typed = ['q', 'qu', 'que', 'ques', 'quest'].map((word) => `/api/search?q=${word}`);
    try {
      await Promise.all([
        ...conversations.map((conversationId) => page.send({ type: 'follow', conversationId })),
        ...[...paths, ...typed].map((path) => call(origin, 'ann', ['GET', path])),
      ]);
    } finally {
      page.close();
    }
  };
  const [first] = stage.cluster.gateways;
  // Three tabs of two devices: over both gateways, then all at the one that is left when the other goes.
  const reloads = stage.random.between(3, 4);
  for (let reload = 0; reload < reloads; reload++) {
    await Promise.all(Array.from({ length: 6 }, () => tab(stage.random.chance(0.5) ? first!.url : stage.origin())));
  }
};

const fastTypist = async (stage: Stage): Promise<void> => {
  const page = new Page(stage.origin(), 'bob');
  const conversationId = stage.newConversation();
  try {
    await page.send({ type: 'follow', conversationId });
    for (let turn = 0; turn < 30; turn++) {
      const prompt = promptOf(conversationId, 'count 1 at 100');
      await page.send({ type: 'prompt', ...prompt });
      for (let key = 0; key < 10; key++) await page.send({ type: 'typing', conversationId, active: key < 9 });
      await waitFor(() => page.ended.has(prompt.runId), { deadlineMs: DEADLINE_MS, what: `the answer ${turn}` });
    }
  } finally {
    page.close();
  }
};

const classroom = async (stage: Stage): Promise<void> => {
  const pupil = async (i: number): Promise<void> => {
    const origin = stage.origin();
    const page = new Page(origin, `pupil-${i}`);
    const prompt = promptOf(stage.newConversation(), 'count 20 at 20');
    try {
      await page.send({ type: 'follow', conversationId: prompt.conversationId });
      await page.send({ type: 'prompt', ...prompt });
      await call(origin, `pupil-${i}`, ['GET', '/api/conversations']);
      await waitFor(() => page.ended.has(prompt.runId), { deadlineMs: DEADLINE_MS, what: 'an answer' });
    } finally {
      page.close();
    }
  };
  await Promise.all(Array.from({ length: 60 }, (_, i) => pupil(i)));
};

export const honestScenarios: Scenario[] = [
  {
    name: 'trust-honest-people-meet-no-limit',
    promise: 'S-6 S-7 S-11 P-8',
    cluster: { gateways: 2, ai: 2, audit: true, gatewayEnv: DEFAULTS },
    deadlineMs: 120_000,
    run: async (stage) => {
      // All at once: each is one person, and nobody's limit is anybody else's.
      await Promise.all([integrator(stage), tabs(stage), fastTypist(stage), classroom(stage)]);
      let refusals = 0;
      for (const gateway of stage.cluster.gateways) refusals += await gateway.metric('runnel_gateway_refusals_total');
      if (refusals > 0) throw new Error(`${refusals} refusals`);
      stage.note('20 streams of one name, ten conversations in six tabs, 300 keys and 30 prompts, a class of 60: nothing refused');
    },
  },
];
