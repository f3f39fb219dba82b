// A chat of many turns: each person asks ten times in one conversation, coming back to it each time, and then reads all of it page by page. Every
// answer is whole, every turn is there once, and neither the tenth first word nor the last page costs more than the first.
import http from 'k6/http';
import { Trend } from 'k6/metrics';
import { ask, whole } from './lib/answer.ts';
import { profileOf } from './lib/profiles.ts';
import { atLeast, PROMISES, SUMMARY } from './lib/thresholds.ts';

const TURNS = 10;
const PAGE = 6;

const profile = profileOf(__ENV['K6_PROFILE']);
const url = __ENV['RUNNEL_URL'] ?? 'ws://127.0.0.1:8080';
/** Ten answers take as long as one of the profile's. */
const words = Math.max(4, Math.round(profile.words / TURNS));
const answerMs = (words / profile.rate) * 1000;
/** Milliseconds that a page of the conversation took. */
const history = new Trend('runnel_history', true);

export const options = {
  scenarios: {
    turns: { executor: 'per-vu-iterations', vus: profile.users, iterations: TURNS + 1, maxDuration: `${profile.seconds + 120}s` },
  },
  thresholds: { ...PROMISES.chunk, ...PROMISES.firstWord, ...PROMISES.history, ...PROMISES.whole, ...atLeast(profile.users * TURNS) },
  summaryTrendStats: SUMMARY,
};

interface Page {
  messages: { messageId: string; role: string; status: string; text: string }[];
  hasMore: boolean;
}

const user = `k6-${__VU}`;
const conversationId = `k6-turns-${__VU}-${Date.now()}`;
const due = Array.from({ length: words }, (_, index) => `w${String(index + 1).padStart(6, '0')}`).join(' ');

/** All of the conversation, the oldest first; null where a page is not one. */
const readAll = (): Page['messages'] | null => {
  const all: Page['messages'] = [];
  for (let before = '', pages = 0; pages < TURNS * 2; pages++) {
    const query = `user_id=${user}&limit=${PAGE}${before === '' ? '' : `&before=${before}`}`;
    const answer = http.get(`${url.replace(/^ws/, 'http')}/api/history/${conversationId}?${query}`);
    if (answer.status !== 200) return null;
    history.add(answer.timings.duration);
    const { messages, hasMore } = JSON.parse(String(answer.body)) as Page;
    all.unshift(...messages);
    if (!hasMore || messages.length === 0) return all;
    before = messages[0]!.messageId;
  }
  return null;
};

export default function turns(): void {
  const turn = __ITER;
  if (turn < TURNS) {
    const messageId = `${conversationId}-${turn}`;
    const parentId = turn === 0 ? null : `${conversationId}-${turn - 1}-a`;
    return ask({ url, user, words, rate: profile.rate, turn: { conversationId, messageId, parentId }, deadlineMs: answerMs + 15_000 });
  }
  const all = readAll();
  const roles = all?.map(({ role }) => role).join();
  const isWhole = roles === Array(TURNS).fill('user,assistant').join() && all!.every(({ role, text }) => role === 'user' || text === due);
  whole.add(isWhole);
}
