// Written by `npm run docs` from loadtest/stream.ts; do not edit.

// loadtest/stream.ts
import { sleep } from "k6";
import { ask } from "./shared.js";
import { profileOf } from "./shared.js";
import { atLeast, PROMISES, SUMMARY } from "./shared.js";
var profile = profileOf(__ENV["K6_PROFILE"]);
var url = __ENV["RUNNEL_URL"] ?? "ws://127.0.0.1:8080";
var options = {
  scenarios: { stream: { executor: "constant-vus", vus: profile.users, duration: `${profile.seconds}s`, gracefulStop: "30s" } },
  thresholds: { ...PROMISES.chunk, ...PROMISES.firstWord, ...PROMISES.whole, ...atLeast(profile.users) },
  summaryTrendStats: SUMMARY
};
var answering = profile.words / profile.rate;
var begun = false;
function stream() {
  if (!begun) sleep((__VU - 1) / profile.users * answering);
  begun = true;
  ask({
    url,
    user: `k6-${__VU}`,
    words: profile.words,
    rate: profile.rate,
    ...__VU % 3 === 0 && { cutAfterBytes: profile.words * 4 },
    deadlineMs: answering * 1e3 + 15e3
  });
}
export {
  stream as default,
  options
};
