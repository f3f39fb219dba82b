// Prompt → last chunk, one answer after the other per user; a third of them cut their socket in the middle and resume.
// The thresholds are the promise (P-7): k6's exit code is the verdict.
import { sleep } from 'k6';
import { ask } from './lib/answer.ts';
import { profileOf } from './lib/profiles.ts';
import { atLeast, PROMISES, SUMMARY } from './lib/thresholds.ts';

const profile = profileOf(__ENV['K6_PROFILE']);
const url = __ENV['RUNNEL_URL'] ?? 'ws://127.0.0.1:8080';

export const options = {
  scenarios: { stream: { executor: 'constant-vus', vus: profile.users, duration: `${profile.seconds}s`, gracefulStop: '30s' } },
  thresholds: { ...PROMISES.chunk, ...PROMISES.firstWord, ...PROMISES.whole, ...atLeast(profile.users) },
  summaryTrendStats: SUMMARY,
};

/** Seconds that one answer takes. */
const answering = profile.words / profile.rate;
/** k6 gives each user a module of its own. */
let begun = false;

export default function stream(): void {
  // People do not ask in the same millisecond: first questions are spread over the time of one answer, and so stay apart after that.
  if (!begun) sleep(((__VU - 1) / profile.users) * answering);
  begun = true;
  ask({
    url,
    user: `k6-${__VU}`,
    words: profile.words,
    rate: profile.rate,
    ...(__VU % 3 === 0 && { cutAfterBytes: profile.words * 4 }),
    deadlineMs: answering * 1000 + 15_000,
  });
}
