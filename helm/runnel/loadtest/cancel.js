// Written by `npm run docs` from loadtest/cancel.ts; do not edit.

// loadtest/cancel.ts
import { ask } from "./shared.js";
import { profileOf } from "./shared.js";
import { atLeast, PROMISES, SUMMARY } from "./shared.js";
var profile = profileOf(__ENV["K6_PROFILE"]);
var url = __ENV["RUNNEL_URL"] ?? "ws://127.0.0.1:8080";
var options = {
  scenarios: { cancel: { executor: "constant-vus", vus: profile.users, duration: `${profile.seconds}s`, gracefulStop: "30s" } },
  thresholds: { ...PROMISES.cancel, ...PROMISES.whole, ...atLeast(profile.users) },
  summaryTrendStats: SUMMARY
};
function cancel() {
  const cancelAfterBytes = Math.floor(profile.words * 3 * Math.random());
  ask({ url, user: `k6-${__VU}`, words: profile.words, rate: profile.rate, cancelAfterBytes, deadlineMs: 3e4 });
}
export {
  cancel as default,
  options
};
