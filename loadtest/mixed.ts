// A realistic day: think times, lengths, 5 % reloads, 3 % cancels, 1 % slow phones. The slow ones must cost only themselves (P-8).
import { askAsPeopleDo } from './lib/day.ts';
import { profileOf } from './lib/profiles.ts';
import { atLeast, PROMISES, SUMMARY } from './lib/thresholds.ts';

const profile = profileOf(__ENV['K6_PROFILE']);
const url = __ENV['RUNNEL_URL'] ?? 'ws://127.0.0.1:8080';

export const options = {
  scenarios: { mixed: { executor: 'constant-vus', vus: profile.users, duration: `${profile.seconds}s`, gracefulStop: '60s' } },
  thresholds: { ...PROMISES.chunk, ...PROMISES.firstWord, ...PROMISES.whole, ...atLeast(profile.users / 2) },
  summaryTrendStats: SUMMARY,
};

export default function mixed(): void {
  askAsPeopleDo(url, profile);
}
