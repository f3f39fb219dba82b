// An OpenAI client's calls: streamed Chat Completions and Responses in turns, and every tenth one joined once more by its idempotency key. k6 reads
// an answer whole, so what is measured is its first byte and how late its last one came.
import http from 'k6/http';
import { sleep } from 'k6';
import { Trend } from 'k6/metrics';
import { answers, firstWord, whole } from './lib/answer.ts';
import { profileOf } from './lib/profiles.ts';
import { read } from './lib/told.ts';
import { atLeast, PROMISES, SUMMARY } from './lib/thresholds.ts';

const profile = profileOf(__ENV['K6_PROFILE']);
const url = (__ENV['RUNNEL_URL'] ?? 'ws://127.0.0.1:8080').replace(/^ws/, 'http');
/** Milliseconds that an answer took beyond what its words take. */
const late = new Trend('runnel_v1_late', true);

export const options = {
  scenarios: { v1: { executor: 'constant-vus', vus: profile.users, duration: `${profile.seconds}s`, gracefulStop: '30s' } },
  thresholds: { ...PROMISES.firstWord, ...PROMISES.whole, ...PROMISES.v1, ...atLeast(profile.users) },
  summaryTrendStats: SUMMARY,
};

const { words, rate } = profile;
/** Between the first word and the last. */
const answering = (words - 1) / rate;
const due = Array.from({ length: words }, (_, index) => `w${String(index + 1).padStart(6, '0')}`).join(' ');

let begun = false;
let asked = 0;

export default function v1(): void {
  if (!begun) sleep(((__VU - 1) / profile.users) * answering);
  begun = true;
  const prompt = `count ${words} at ${rate}`;
  const isChat = asked++ % 2 === 0;
  const body = isChat ? { messages: [{ role: 'user', content: prompt }] } : { input: prompt };
  const params = {
    headers: {
      'content-type': 'application/json',
      authorization: `Bearer k6-${__VU}`,
      'idempotency-key': `k6-${__VU}-${Date.now()}-${asked}`,
    },
    timeout: `${Math.ceil(answering + 15)}s`,
  };
  const call = () =>
    http.post(`${url}/v1/${isChat ? 'chat/completions' : 'responses'}`, JSON.stringify({ model: 'count', stream: true, ...body }), params);
  const answer = call();
  const told = read(answer.body ?? '');
  whole.add(answer.status === 200 && told.isWhole && told.text === due);
  answers.add(1);
  firstWord.add(answer.timings.waiting);
  late.add(answer.timings.duration - answer.timings.waiting - answering * 1000);
  if (asked % 10 !== 0) return;
  // A retry joins its run, and is told the same at once.
  const again = read(call().body ?? '');
  whole.add(again.isWhole && again.text === due);
}
