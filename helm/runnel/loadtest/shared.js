// Written by `npm run docs` from loadtest/lib; do not edit.

// loadtest/lib/answer.ts
import { sleep } from "k6";
import { sha256 } from "k6/crypto";
import { Counter, Rate, Trend } from "k6/metrics";
import { WebSocket } from "k6/websockets";

// loadtest/lib/reader.ts
var emptyReader = () => ({ logId: null, offset: 0, text: "", bytes: 0 });
var apply = (reader, event) => {
  if (event.type === "error") return "failed";
  if (event.type === "snapshot") {
    reader.logId = event.logId ?? null;
    reader.offset = event.offset ?? 0;
    if (event.run) setText(reader, event.run.text);
    return "ok";
  }
  if (event.conversationId === void 0 || event.offset === void 0 || event.type === "live") return "ok";
  if ((event.from ?? event.offset) !== reader.offset + 1) return "failed";
  reader.offset = event.offset;
  reader.logId = event.logId ?? reader.logId;
  if (event.type === "chunk") {
    if (event.at !== reader.bytes) return "failed";
    setText(reader, reader.text + (event.text ?? ""));
  }
  return event.type === "run-ended" ? "ended" : "ok";
};
var setText = (reader, text) => {
  reader.text = text;
  reader.bytes = text.length;
};

// loadtest/lib/answer.ts
var chunkAdded = new Trend("runnel_chunk_added", true);
var firstWord = new Trend("runnel_ttfb_added", true);
var resumed = new Trend("runnel_resume", true);
var cancelled = new Trend("runnel_cancel", true);
var pause = new Trend("runnel_pause", true);
var moved = new Counter("runnel_moved");
var whole = new Rate("runnel_answers_whole");
var answers = new Counter("runnel_answers");
var counter = 0;
var ask = (options) => {
  const { slowMs = 0, moves = false } = options;
  const fresh = `k6-${__VU}-${Date.now()}-${counter++}`;
  const { conversationId: id, messageId, parentId } = options.turn ?? { conversationId: fresh, messageId: `${fresh}-q`, parentId: null };
  const runId = `${messageId}-a`;
  const reader = emptyReader();
  let asked = 0;
  let cancelAsked = 0;
  let cut = false;
  let done = false;
  let lastWord = 0;
  const giveUpAt = Date.now() + options.deadlineMs;
  let comesBack;
  const finish = (ok) => {
    if (done) return;
    done = true;
    whole.add(ok);
    answers.add(1);
  };
  const again = () => {
    if (done || comesBack !== void 0) return;
    if (Date.now() >= giveUpAt) return finish(false);
    moved.add(1);
    comesBack = setTimeout(
      () => {
        comesBack = void 0;
        connect();
      },
      50 + Math.random() * 150
    );
  };
  const connect = () => {
    const socket = new WebSocket(`${options.url}/ws/chat?user_id=${options.user}`);
    const send = (frame) => socket.send(JSON.stringify(frame));
    let followed = 0;
    let cutTimer;
    const deadline = setTimeout(() => {
      finish(false);
      socket.close();
    }, options.deadlineMs);
    const leave = () => {
      clearTimeout(deadline);
      if (cutTimer !== void 0) clearTimeout(cutTimer);
      socket.onmessage = () => {
      };
      socket.onerror = () => {
      };
      socket.onclose = () => {
      };
      socket.close();
    };
    const cutNow = () => {
      if (cut || done) return;
      cut = true;
      leave();
      connect();
    };
    socket.onopen = () => {
      send({ type: "hello", protocol: 1, client: "k6" });
      const cursor = reader.logId === null ? void 0 : { logId: reader.logId, offset: reader.offset };
      followed = Date.now();
      send({ type: "follow", id: 1, conversationId: id, cursor });
      if (options.cutAt !== void 0 && !cut) cutTimer = setTimeout(cutNow, Math.max(0, options.cutAt - Date.now()));
      if (asked > 0 && !(moves && reader.bytes === 0)) return;
      asked ||= Date.now();
      const text = `count ${options.words} at ${options.rate}`;
      send({ type: "prompt", id: 2, conversationId: id, messageId, runId, parentId, model: "count", text });
    };
    socket.onmessage = ({ data }) => {
      if (slowMs > 0) sleep(slowMs / 1e3);
      const event = JSON.parse(String(data));
      const now = Date.now();
      if (event.type === "live" && cut && reader.logId !== null) resumed.add(now - followed);
      const isFirst = event.type === "chunk" && reader.bytes === 0;
      if (moves && event.type === "error") {
        leave();
        return again();
      }
      const outcome = apply(reader, event);
      if (outcome === "failed") finish(false);
      if (event.type === "chunk") {
        if (moves && lastWord > 0) pause.add(now - lastWord);
        lastWord = now;
      }
      if (event.type === "chunk" && outcome === "ok" && slowMs === 0) {
        if (isFirst) firstWord.add(now - asked);
        if ((event.t ?? 0) >= followed) chunkAdded.add(now - (event.t ?? 0));
      }
      if (outcome === "ended") {
        if (cancelAsked > 0 && slowMs === 0) cancelled.add(now - cancelAsked);
        finish(sha256(reader.text, "hex") === event.sha256);
      }
      if (options.cancelAfterBytes !== void 0 && cancelAsked === 0 && reader.bytes > options.cancelAfterBytes && !done) {
        cancelAsked = Date.now();
        send({ type: "cancel", id: 3, conversationId: id, runId });
      }
      if (done) return leave();
      if (options.cutAfterBytes !== void 0 && reader.bytes > options.cutAfterBytes) cutNow();
    };
    const broken = () => {
      clearTimeout(deadline);
      if (moves) again();
      else finish(false);
    };
    socket.onerror = broken;
    if (moves) socket.onclose = broken;
  };
  connect();
};

// loadtest/lib/day.ts
import { sleep as sleep2 } from "k6";
var RELOADS = 0.05;
var CANCELS = 0.03;
var SLOW_PHONES = 0.01;
var SLOW_MS = 150;
var THINK_SECONDS = { least: 0.5, most: 4 };
var between = (least, most) => least + (most - least) * Math.random();
var askAsPeopleDo = (url, profile) => {
  sleep2(between(THINK_SECONDS.least, THINK_SECONDS.most));
  const words = Math.ceil(profile.words * between(0.2, 1.4) * Math.random()) + 10;
  const chance = Math.random();
  const middle = words * 3;
  ask({
    url,
    user: `k6-${__VU}`,
    words,
    rate: profile.rate,
    ...chance < RELOADS && { cutAfterBytes: middle },
    ...chance >= RELOADS && chance < RELOADS + CANCELS && { cancelAfterBytes: middle },
    ...chance > 1 - SLOW_PHONES && { slowMs: SLOW_MS },
    deadlineMs: words / profile.rate * 1e3 + words * SLOW_MS / 4 + 15e3
  });
};

// loadtest/lib/profiles.ts
var PROFILES = {
  short: { users: 5, seconds: 4, rate: 20, words: 40 },
  smoke: { users: 20, seconds: 15, rate: 20, words: 100 },
  load: { users: 100, seconds: 120, rate: 20, words: 400 },
  stress: { users: 400, seconds: 180, rate: 20, words: 400 },
  spike: { users: 300, seconds: 30, rate: 50, words: 200 }
};
var profileOf = (name) => {
  const profile = PROFILES[name ?? "smoke"];
  if (!profile) throw new Error(`There is no profile ${name}; known: ${Object.keys(PROFILES).join(", ")}.`);
  return profile;
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
export {
  PROFILES,
  PROMISES,
  SUMMARY,
  answers,
  apply,
  ask,
  askAsPeopleDo,
  atLeast,
  cancelled,
  chunkAdded,
  emptyReader,
  firstWord,
  moved,
  pause,
  profileOf,
  read,
  resumed,
  whole
};
