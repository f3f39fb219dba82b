// Written by `npm run docs` from loadtest/upload.ts; do not edit.

// loadtest/upload.ts
import http from "k6/http";
import { sha256 } from "k6/crypto";
import { Trend } from "k6/metrics";
import { sleep } from "k6";
import { answers, whole } from "./shared.js";
import { profileOf } from "./shared.js";
import { atLeast, PROMISES, SUMMARY } from "./shared.js";
var profile = profileOf(__ENV["K6_PROFILE"]);
var url = (__ENV["RUNNEL_URL"] ?? "ws://127.0.0.1:8080").replace(/^ws/, "http");
var took = new Trend("runnel_upload_piece", true);
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
  if (!begun) sleep((__VU - 1) / profile.users * PAUSE_S);
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
  const digest = sha256(content, "hex");
  ok &&= read.status === 200 && read.headers["Etag"] === `"${digest}"` && sha256(read.body ?? "", "hex") === digest;
  ok &&= call("DELETE", path, null).status === 204;
  whole.add(ok);
  answers.add(1);
  sleep(PAUSE_S);
}
export {
  upload as default,
  options
};
