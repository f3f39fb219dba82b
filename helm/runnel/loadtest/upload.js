// Written by `npm run docs` from loadtest/upload.ts; do not edit.

// loadtest/upload.ts
import http from "k6/http";
import { sha256 as sha2562 } from "k6/crypto";
import { Trend as Trend2 } from "k6/metrics";
import { sleep as sleep2 } from "k6";

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

// loadtest/upload.ts
var profile = profileOf(__ENV["K6_PROFILE"]);
var url = (__ENV["RUNNEL_URL"] ?? "ws://127.0.0.1:8080").replace(/^ws/, "http");
var took = new Trend2("runnel_upload_piece", true);
var options = {
  scenarios: { upload: { executor: "constant-vus", vus: profile.users, duration: `${profile.seconds}s`, gracefulStop: "30s" } },
  thresholds: { ...PROMISES.upload, ...PROMISES.whole, ...atLeast(profile.users) },
  summaryTrendStats: SUMMARY
};
var PIECE = 512 * 1024;
var PAUSE_S = 3;
var begun = false;
var sent = 0;
function upload() {
  if (!begun) sleep2((__VU - 1) / profile.users * PAUSE_S);
  begun = true;
  const line = `file ${sent++} of ${__VU}
`;
  const content = line.repeat(Math.ceil(2 * PIECE / line.length)).slice(0, 2 * PIECE);
  const call = (method, path2, body, more = {}) => {
    const headers = { "tus-resumable": "1.0.0", ...more };
    return http.request(method, `${url}${path2}?user_id=k6-${__VU}`, body, { headers, timeout: "20s" });
  };
  const metadata = "filename ay50eHQ=,filetype dGV4dC9wbGFpbg==";
  const made = call("POST", "/api/files", "", { "upload-length": String(content.length), "upload-metadata": metadata });
  const path = made.headers["Location"] ?? "/api/files/none";
  let ok = made.status === 201;
  for (const at of [0, PIECE]) {
    const headers = { "content-type": "application/offset+octet-stream", "upload-offset": String(at) };
    const piece = call("PATCH", path, content.slice(at, at + PIECE), headers);
    took.add(piece.timings.duration);
    ok &&= piece.status === 204 && piece.headers["Upload-Offset"] === String(at + PIECE);
  }
  const read = call("GET", path, null);
  const digest = sha2562(content, "hex");
  ok &&= read.status === 200 && read.headers["Etag"] === `"${digest}"` && sha2562(read.body ?? "", "hex") === digest;
  ok &&= call("DELETE", path, null).status === 204;
  whole.add(ok);
  answers.add(1);
  sleep2(PAUSE_S);
}
export {
  upload as default,
  options
};
