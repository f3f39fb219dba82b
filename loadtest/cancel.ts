// Everybody stops every answer in its middle: the run ends within 250 ms (P-5), and what was read is what is kept.
import { ask } from './lib/answer.ts';
import { profileOf } from './lib/profiles.ts';
import { atLeast, PROMISES, SUMMARY } from './lib/thresholds.ts';

const profile = profileOf(__ENV['K6_PROFILE']);
const url = __ENV['RUNNEL_URL'] ?? 'ws://127.0.0.1:8080';

export const options = {
  scenarios: { cancel: { executor: 'constant-vus', vus: profile.users, duration: `${profile.seconds}s`, gracefulStop: '30s' } },
  thresholds: { ...PROMISES.cancel, ...PROMISES.whole, ...atLeast(profile.users) },
  summaryTrendStats: SUMMARY,
};

export default function cancel(): void {
  // Spread over the answer, so that cancels meet all its phases.
  const cancelAfterBytes = Math.floor(profile.words * 3 * Math.random());
  ask({ url, user: `k6-${__VU}`, words: profile.words, rate: profile.rate, cancelAfterBytes, deadlineMs: 30_000 });
}
