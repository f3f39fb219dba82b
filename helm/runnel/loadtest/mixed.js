// Written by `npm run docs` from loadtest/mixed.ts; do not edit.

// loadtest/mixed.ts
import { askAsPeopleDo } from "./shared.js";
import { profileOf } from "./shared.js";
import { atLeast, PROMISES, SUMMARY } from "./shared.js";
var profile = profileOf(__ENV["K6_PROFILE"]);
var url = __ENV["RUNNEL_URL"] ?? "ws://127.0.0.1:8080";
var options = {
  scenarios: { mixed: { executor: "constant-vus", vus: profile.users, duration: `${profile.seconds}s`, gracefulStop: "60s" } },
  thresholds: { ...PROMISES.chunk, ...PROMISES.firstWord, ...PROMISES.whole, ...atLeast(profile.users / 2) },
  summaryTrendStats: SUMMARY
};
function mixed() {
  askAsPeopleDo(url, profile);
}
export {
  mixed as default,
  options
};
