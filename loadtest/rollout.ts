// People ask and read while every pod is replaced, one after the other: each is sent elsewhere, comes back with its cursor, and lacks nothing.
// Here `run.ts` replaces the pods; against a target of your own, begin the rollout once this has begun.
import { sleep } from 'k6';
import { ask } from './lib/answer.ts';
import { profileOf } from './lib/profiles.ts';
import { atLeast, PROMISES, SUMMARY } from './lib/thresholds.ts';

const profile = profileOf(__ENV['K6_PROFILE']);
const url = __ENV['RUNNEL_URL'] ?? 'ws://127.0.0.1:8080';
/** Long enough that a gateway which leaves sends its reader on before the end. */
const words = Math.max(profile.words, profile.rate * 15);
const answering = words / profile.rate;

export const options = {
  scenarios: {
    rollout: { executor: 'constant-vus', vus: profile.users, duration: `${Math.max(30, profile.seconds)}s`, gracefulStop: '45s' },
  },
  // Chunks that waited for a pod are late by the rollout: what it costs is said by the pauses.
  thresholds: { ...PROMISES.pause, ...PROMISES.whole, ...atLeast(profile.users) },
  summaryTrendStats: SUMMARY,
};

let begun = false;

export default function rollout(): void {
  if (!begun) sleep(((__VU - 1) / profile.users) * answering);
  begun = true;
  ask({ url, user: `k6-${__VU}`, words, rate: profile.rate, moves: true, deadlineMs: answering * 1000 + 30_000 });
}
