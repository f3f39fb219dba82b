// Written by `npm run docs` from loadtest/reconnect-storm.ts; do not edit.

// loadtest/reconnect-storm.ts
import { ask } from "./shared.js";
import { profileOf } from "./shared.js";
import { atLeast, PROMISES, SUMMARY } from "./shared.js";
var profile = profileOf(__ENV["K6_PROFILE"]);
var url = __ENV["RUNNEL_URL"] ?? "ws://127.0.0.1:8080";
var answerMs = profile.words / profile.rate * 1e3;
var options = {
  scenarios: { storm: { executor: "per-vu-iterations", vus: profile.users, iterations: 1, maxDuration: "120s" } },
  thresholds: { ...PROMISES.whole, ...atLeast(profile.users), runnel_resume: ["p(99)<250"] },
  summaryTrendStats: SUMMARY
};
function setup() {
  return { cutAt: Date.now() + answerMs / 2 };
}
function storm({ cutAt }) {
  ask({ url, user: `k6-${__VU}`, words: profile.words, rate: profile.rate, cutAt, deadlineMs: answerMs + 15e3 });
}
export {
  storm as default,
  options,
  setup
};
