// Answers whose model calls tools between its words: each brings all of its words and each call once, and is not much later than its words.
import http from 'k6/http';
import { sleep } from 'k6';
import { Trend } from 'k6/metrics';
import { answers, whole } from './lib/answer.ts';
import { profileOf } from './lib/profiles.ts';
import { atLeast, PROMISES, SUMMARY } from './lib/thresholds.ts';
import { read } from './lib/told.ts';

const profile = profileOf(__ENV['K6_PROFILE']);
const url = (__ENV['RUNNEL_URL'] ?? 'ws://127.0.0.1:8080').replace(/^ws/, 'http');
/** Milliseconds that an answer took beyond what its words take. */
const late = new Trend('runnel_tools_late', true);

export const options = {
  scenarios: { tools: { executor: 'constant-vus', vus: profile.users, duration: `${profile.seconds}s`, gracefulStop: '30s' } },
  thresholds: { ...PROMISES.tools, ...PROMISES.whole, ...atLeast(profile.users) },
  summaryTrendStats: SUMMARY,
};

/** Requests to the model before the last one; each ends with a call. */
const STEPS = 2;
const { rate } = profile;
const words = Math.ceil(profile.words / (STEPS + 1));
const all = words * (STEPS + 1);
const answering = all / rate;
const due = Array.from({ length: all }, (_, index) => `w${String(index + 1).padStart(6, '0')}`).join(' ');
const tool = __ENV['K6_TOOL'] ?? 'do';

interface Item {
  type: string;
  part?: { kind: string; state: string; attempt?: number };
}

/** Calls that were made once and brought something, as the log has them. */
const callsOf = (conversation: string, params: Parameters<typeof http.post>[2]): number => {
  const page = http.request('GET', `${url}/api/streams/${conversation}?offset=-1`, null, params);
  if (page.status !== 200) return -1;
  const items = JSON.parse(page.body ?? '[]') as Item[];
  return items.filter(({ type, part }) => type === 'part' && part?.kind === 'tool' && part.state === 'done' && part.attempt === 1).length;
};

let begun = false;

export default function tools(): void {
  if (!begun) sleep(((__VU - 1) / profile.users) * answering);
  begun = true;
  const headers = { 'content-type': 'application/json', authorization: `Bearer k6-${__VU}` };
  const params = { headers, timeout: `${Math.ceil(answering + 15)}s` };
  const messages = [{ role: 'user', content: `count ${words} at ${rate} use ${tool} steps ${STEPS}` }];
  const answer = http.post(`${url}/v1/chat/completions`, JSON.stringify({ model: 'count', stream: true, messages }), params);
  const told = read(answer.body ?? '');
  const calls = callsOf(answer.headers['X-Runnel-Conversation'] ?? '', params);
  whole.add(answer.status === 200 && told.isWhole && told.text === due && calls === STEPS);
  answers.add(1);
  late.add(answer.timings.duration - answer.timings.waiting - answering * 1000);
}
