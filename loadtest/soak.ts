// The realistic day for hours (`SOAK_MINUTES`, 60 unless set), at a load that is no effort: what leaks, drifts or fills up shows here.
// Look at memory and at the Journey dashboard meanwhile; the thresholds hold over the whole time.
import { askAsPeopleDo } from './lib/day.ts';
import { profileOf } from './lib/profiles.ts';
import { atLeast, PROMISES, SUMMARY } from './lib/thresholds.ts';

const profile = profileOf(__ENV['K6_PROFILE']);
const url = __ENV['RUNNEL_URL'] ?? 'ws://127.0.0.1:8080';
const minutes = Number(__ENV['SOAK_MINUTES'] ?? 60);

export const options = {
  scenarios: { soak: { executor: 'constant-vus', vus: profile.users, duration: `${minutes * 60}s`, gracefulStop: '60s' } },
  thresholds: { ...PROMISES.chunk, ...PROMISES.firstWord, ...PROMISES.whole, ...atLeast(Math.ceil(profile.users * minutes)) },
  summaryTrendStats: SUMMARY,
};

export default function soak(): void {
  askAsPeopleDo(url, profile);
}
