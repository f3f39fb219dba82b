// Written by `npm run docs` from loadtest/turns.ts; do not edit.

// loadtest/turns.ts
import http from "k6/http";
import { Trend } from "k6/metrics";
import { ask, whole } from "./shared.js";
import { profileOf } from "./shared.js";
import { atLeast, PROMISES, SUMMARY } from "./shared.js";
var TURNS = 10;
var PAGE = 6;
var profile = profileOf(__ENV["K6_PROFILE"]);
var url = __ENV["RUNNEL_URL"] ?? "ws://127.0.0.1:8080";
var words = Math.max(4, Math.round(profile.words / TURNS));
var answerMs = words / profile.rate * 1e3;
var history = new Trend("runnel_history", true);
var options = {
  scenarios: {
    turns: { executor: "per-vu-iterations", vus: profile.users, iterations: TURNS + 1, maxDuration: `${profile.seconds + 120}s` }
  },
  thresholds: { ...PROMISES.chunk, ...PROMISES.firstWord, ...PROMISES.history, ...PROMISES.whole, ...atLeast(profile.users * TURNS) },
  summaryTrendStats: SUMMARY
};
var user = `k6-${__VU}`;
var conversationId = `k6-turns-${__VU}-${Date.now()}`;
var due = Array.from({ length: words }, (_, index) => `w${String(index + 1).padStart(6, "0")}`).join(" ");
var readAll = () => {
  const all = [];
  for (let before = "", pages = 0; pages < TURNS * 2; pages++) {
    const query = `user_id=${user}&limit=${PAGE}${before === "" ? "" : `&before=${before}`}`;
    const answer = http.get(`${url.replace(/^ws/, "http")}/api/history/${conversationId}?${query}`);
    if (answer.status !== 200) return null;
    history.add(answer.timings.duration);
    const { messages, hasMore } = JSON.parse(String(answer.body));
    all.unshift(...messages);
    if (!hasMore || messages.length === 0) return all;
    before = messages[0].messageId;
  }
  return null;
};
function turns() {
  const turn = __ITER;
  if (turn < TURNS) {
    const messageId = `${conversationId}-${turn}`;
    const parentId = turn === 0 ? null : `${conversationId}-${turn - 1}-a`;
    return ask({ url, user, words, rate: profile.rate, turn: { conversationId, messageId, parentId }, deadlineMs: answerMs + 15e3 });
  }
  const all = readAll();
  const roles = all?.map(({ role }) => role).join();
  const isWhole = roles === Array(TURNS).fill("user,assistant").join() && all.every(({ role, text }) => role === "user" || text === due);
  whole.add(isWhole);
}
export {
  turns as default,
  options
};
