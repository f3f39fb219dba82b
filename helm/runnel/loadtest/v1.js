// Written by `npm run docs` from loadtest/v1.ts; do not edit.

// loadtest/v1.ts
import http from "k6/http";
import { sleep as sleep2 } from "k6";
import { Trend as Trend2 } from "k6/metrics";

// loadtest/lib/answer.ts
import { sleep } from "k6";
import { sha256 } from "k6/crypto";
import { Counter, Rate, Trend } from "k6/metrics";
import { WebSocket } from "k6/websockets";
var chunkAdded = new Trend("runnel_chunk_added", true);
var firstWord = new Trend("runnel_ttfb_added", true);
var resumed = new Trend("runnel_resume", true);
var cancelled = new Trend("runnel_cancel", true);
var pause = new Trend("runnel_pause", true);
var moved = new Counter("runnel_moved");
var whole = new Rate("runnel_answers_whole");
var answers = new Counter("runnel_answers");

// loadtest/lib/profiles.ts
var PROFILES = {
  short: { users: 5, seconds: 4, rate: 20, words: 40 },
  smoke: { users: 20, seconds: 15, rate: 20, words: 100 },
  load: { users: 100, seconds: 120, rate: 20, words: 400 },
  stress: { users: 400, seconds: 180, rate: 20, words: 400 },
  spike: { users: 300, seconds: 30, rate: 50, words: 200 }
};
var profileOf = (name) => {
  const profile2 = PROFILES[name ?? "smoke"];
  if (!profile2) throw new Error(`There is no profile ${name}; known: ${Object.keys(PROFILES).join(", ")}.`);
  return profile2;
};

// loadtest/lib/told.ts
var read = (body) => {
  let text = "";
  let isWhole = false;
  for (const line of body.split("\n")) {
    if (!line.startsWith("data: ")) continue;
    const data = line.slice(6);
    if (data === "[DONE]") isWhole = true;
    else {
      const event = JSON.parse(data);
      text += event.choices?.[0]?.delta.content ?? (event.type === "response.output_text.delta" ? event.delta ?? "" : "");
      isWhole ||= event.type === "response.completed";
    }
  }
  return { text, isWhole };
};

// loadtest/lib/thresholds.ts
var PROMISES = {
  chunk: { runnel_chunk_added: ["p(99)<50"] },
  firstWord: { runnel_ttfb_added: ["p(99)<120"] },
  cancel: { runnel_cancel: ["p(99)<250"] },
  /** What `/v1` adds to the time that an answer's words take. */
  v1: { runnel_v1_late: ["p(99)<250"] },
  /** A page of a long conversation. */
  history: { runnel_history: ["p(99)<250"] },
  /** P-4: what a person may wait for a word while pods are replaced. */
  pause: { runnel_pause: ["p(99)<500", "max<4000"], runnel_moved: ["count>=1"] },
  /** What calls of tools add to the time that an answer's words take: its words stop for each, and a request to the model begins again. */
  tools: { runnel_tools_late: ["p(99)<1000"] },
  /** From the first byte of half a MiB to the answer that it is on the disk. */
  upload: { runnel_upload_piece: ["p(99)<1000"] },
  whole: { runnel_answers_whole: ["rate==1"] }
};
var atLeast = (answers2) => ({ runnel_answers: [`count>=${answers2}`] });
var SUMMARY = ["min", "med", "p(95)", "p(99)", "max"];

// loadtest/v1.ts
var profile = profileOf(__ENV["K6_PROFILE"]);
var url = (__ENV["RUNNEL_URL"] ?? "ws://127.0.0.1:8080").replace(/^ws/, "http");
var late = new Trend2("runnel_v1_late", true);
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
  if (!begun) sleep2((__VU - 1) / profile.users * answering);
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
