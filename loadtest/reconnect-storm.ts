// Everybody reads an answer, everybody's socket breaks at the same moment, everybody comes back with a cursor at once.
// Nobody may miss or repeat a byte, and nobody waits for long (P-6 says what one of them costs the server).
import { ask } from './lib/answer.ts';
import { profileOf } from './lib/profiles.ts';
import { atLeast, PROMISES, SUMMARY } from './lib/thresholds.ts';

const profile = profileOf(__ENV['K6_PROFILE']);
const url = __ENV['RUNNEL_URL'] ?? 'ws://127.0.0.1:8080';
const answerMs = (profile.words / profile.rate) * 1000;

export const options = {
  scenarios: { storm: { executor: 'per-vu-iterations', vus: profile.users, iterations: 1, maxDuration: '120s' } },
  thresholds: { ...PROMISES.whole, ...atLeast(profile.users), runnel_resume: ['p(99)<250'] },
  summaryTrendStats: SUMMARY,
};

/** Runs once, before anybody starts: the moment of the storm. */
export function setup(): { cutAt: number } {
  return { cutAt: Date.now() + answerMs / 2 };
}

export default function storm({ cutAt }: { cutAt: number }): void {
  ask({ url, user: `k6-${__VU}`, words: profile.words, rate: profile.rate, cutAt, deadlineMs: answerMs + 15_000 });
}
