// Written by `npm run docs` from loadtest/v1.ts; do not edit.

// loadtest/v1.ts
import http from "k6/http";
import { sleep } from "k6";
import { Trend } from "k6/metrics";
import { answers, firstWord, whole } from "./shared.js";
import { profileOf } from "./shared.js";
import { read } from "./shared.js";
import { atLeast, PROMISES, SUMMARY } from "./shared.js";
var profile = profileOf(__ENV["K6_PROFILE"]);
var url = (__ENV["RUNNEL_URL"] ?? "ws://127.0.0.1:8080").replace(/^ws/, "http");
var late = new Trend("runnel_v1_late", true);
var options = {
  scenarios: { v1: { executor: "constant-vus", vus: profile.users, duration: `${profile.seconds}s`, gracefulStop: "30s" } },
  thresholds: { ...PROMISES.firstWord, ...PROMISES.whole, ...PROMISES.v1, ...atLeast(profile.users) },
  summaryTrendStats: SUMMARY
};
var { words, rate } = profile;
var answering = (words - 1) / rate;
var due = Array.from({ length: words }, (_, index) => `w${String(index + 1).padStart(6, "0")}`).join(" ");
var begun = false;
var asked = 0;
function v1() {
  if (!begun) sleep((__VU - 1) / profile.users * answering);
  begun = true;
  const prompt = `count ${words} at ${rate}`;
  const isChat = asked++ % 2 === 0;
  const body = isChat ? { messages: [{ role: "user", content: prompt }] } : { input: prompt };
  const params = {
    headers: {
      "content-type": "application/json",
      authorization: `Bearer k6-${__VU}`,
      "idempotency-key": `k6-${__VU}-${Date.now()}-${asked}`
    },
    timeout: `${Math.ceil(answering + 15)}s`
  };
  const call = () => http.post(`${url}/v1/${isChat ? "chat/completions" : "responses"}`, JSON.stringify({ model: "count", stream: true, ...body }), params);
  const answer = call();
  const told = read(answer.body ?? "");
  whole.add(answer.status === 200 && told.isWhole && told.text === due);
  answers.add(1);
  firstWord.add(answer.timings.waiting);
  late.add(answer.timings.duration - answer.timings.waiting - answering * 1e3);
  if (asked % 10 !== 0) return;
  const again = read(call().body ?? "");
  whole.add(again.isWhole && again.text === due);
}
export {
  v1 as default,
  options
};
