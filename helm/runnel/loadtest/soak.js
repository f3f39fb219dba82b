// Written by `npm run docs` from loadtest/soak.ts; do not edit.

// loadtest/soak.ts
import { askAsPeopleDo } from "./shared.js";
import { profileOf } from "./shared.js";
import { atLeast, PROMISES, SUMMARY } from "./shared.js";
var profile = profileOf(__ENV["K6_PROFILE"]);
var url = __ENV["RUNNEL_URL"] ?? "ws://127.0.0.1:8080";
var minutes = Number(__ENV["SOAK_MINUTES"] ?? 60);
var options = {
  scenarios: { soak: { executor: "constant-vus", vus: profile.users, duration: `${minutes * 60}s`, gracefulStop: "60s" } },
  thresholds: { ...PROMISES.chunk, ...PROMISES.firstWord, ...PROMISES.whole, ...atLeast(Math.ceil(profile.users * minutes)) },
  summaryTrendStats: SUMMARY
};
function soak() {
  askAsPeopleDo(url, profile);
}
export {
  soak as default,
  options
};
