// Written by `npm run docs` from loadtest/rollout.ts; do not edit.

// loadtest/rollout.ts
import { sleep } from "k6";
import { ask } from "./shared.js";
import { profileOf } from "./shared.js";
import { atLeast, PROMISES, SUMMARY } from "./shared.js";
var profile = profileOf(__ENV["K6_PROFILE"]);
var url = __ENV["RUNNEL_URL"] ?? "ws://127.0.0.1:8080";
var words = Math.max(profile.words, profile.rate * 15);
var answering = words / profile.rate;
var options = {
  scenarios: {
    rollout: { executor: "constant-vus", vus: profile.users, duration: `${Math.max(30, profile.seconds)}s`, gracefulStop: "45s" }
  },
  // Chunks that waited for a pod are late by the rollout: what it costs is said by the pauses.
  thresholds: { ...PROMISES.pause, ...PROMISES.whole, ...atLeast(profile.users) },
  summaryTrendStats: SUMMARY
};
var begun = false;
function rollout() {
  if (!begun) sleep((__VU - 1) / profile.users * answering);
  begun = true;
  ask({ url, user: `k6-${__VU}`, words, rate: profile.rate, moves: true, deadlineMs: answering * 1e3 + 3e4 });
}
export {
  rollout as default,
  options
};
