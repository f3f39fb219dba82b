import { EventEmitter } from 'node:events';
import { hash } from 'node:crypto';
import type { FastifyReply } from 'fastify';
import { createMemoryRunLog } from '@runnel/coordination';
import { viewOf } from '../src/follow/catch-up.ts';
import { logged } from '../src/follow/wire-event.ts';
import { Answer } from '../src/dialects/answer.ts';
import { PartWriter } from './part-writer.ts';

/** What happens to an answer. `restart`: another pod takes it over and begins again behind the steps that are finished. */
export type Step = { kind: 'say' | 'think'; text: string } | { kind: 'close' | 'restart' | 'lose' };

const ME = 'u';
const MODEL = 'm';

/** An answer in a real log, made step by step, and what its readers are sent of it. */
export const toldRun = async () => {
  const runLog = createMemoryRunLog();
  const ref = { conversationId: 'c', runId: 'r' };
  const prompt = { ...ref, userId: ME, model: MODEL, title: 'hi', message: { messageId: 'q', text: 'hi' } };
  await runLog.beginRun(prompt);
  const claim = async (canContinue: boolean) => {
    const claimed = await runLog.claimRun({ ...ref, owner: 'pod', leaseMs: 60_000, models: { [MODEL]: canContinue } });
    if (claimed.outcome !== 'claimed') throw new Error(`the run is ${claimed.outcome}`);
    return claimed;
  };
  const first = await claim(true);
  let { epoch, text } = first;
  const parts = new PartWriter(runLog, () => ({ ...ref, epoch, text }), first.parts);
  const open = () => parts.parts.find(({ state }) => state === 'open');
  const close = async () => {
    const part = open();
    if (part) await parts.put({ partId: part.partId, state: 'done' });
  };
  const readers = new Set<Answer>();
  const place = { conversationId: ref.conversationId, userId: ME };
  const state = async () => {
    const read = await runLog.readState(place);
    if (read.kind !== 'snapshot') throw new Error(`the log gave ${read.kind}`);
    return read;
  };
  const begun = await state();
  let at = { logId: begun.logId, offset: begun.offset };

  const told = async (): Promise<void> => {
    const read = await runLog.readState({ ...place, cursor: at, reach: 'far' });
    if (read.kind !== 'tail') throw new Error(`the log gave ${read.kind}`);
    for (const { offset, json } of read.entries) {
      const event = logged((JSON.parse(json) as { type: string }).type, ref.conversationId, offset, read.logId, Buffer.from(json));
      for (const reader of readers) reader.send(event);
    }
    at = { logId: read.logId, offset: read.offset };
  };
  const snapshot = async (reader: Answer): Promise<void> => {
    const view = viewOf(ref.conversationId, await state(), []) as { snapshot: Parameters<Answer['send']>[0] };
    reader.send(view.snapshot);
  };

  return {
    ...ref,
    get text() {
      return text;
    },
    get parts() {
      return parts.parts;
    },
    /** Somebody begins to read. */
    async join(): Promise<Answer> {
      const reader = new Answer(ref.runId);
      await snapshot(reader);
      readers.add(reader);
      return reader;
    },
    leave: (reader: Answer): void => void readers.delete(reader),
    async step(step: Step): Promise<void> {
      switch (step.kind) {
        case 'say':
          await close();
          await runLog.appendChunk({ ...ref, epoch, at: Buffer.byteLength(text), text: step.text, t: 1 });
          text += step.text;
          break;
        case 'think': {
          const partId = open()?.partId ?? `t${parts.parts.length}`;
          if (!open()) await parts.put({ partId, kind: 'reasoning', state: 'open' });
          await parts.stream(partId, 'text', step.text);
          break;
        }
        case 'close':
          await close();
          break;
        case 'restart':
          await runLog.releaseRun({ ...ref, epoch });
          ({ epoch, text } = await claim(false));
          await close();
          break;
        case 'lose':
          // What was published is lost on its way: readers are brought up by a snapshot.
          for (const reader of readers) await snapshot(reader);
          break;
        default:
          step satisfies never;
      }
      await told();
    },
    async end(): Promise<void> {
      const proof = { bytes: Buffer.byteLength(text), sha256: hash('sha256', text, 'hex') };
      const { outcome } = await runLog.endRun({ ...ref, epoch, reason: 'complete', ...proof, ...parts.ending() } as never);
      if (outcome !== 'ended') throw new Error(`the end was ${outcome}`);
      await told();
    },
  };
};

/** Everything that can be said without waiting has been said. */
export const quiet = async (): Promise<void> => {
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
};

/** A response that keeps what is written to it. */
export const keptReply = (): { reply: FastifyReply; events<E>(): E[]; isOver(): boolean } => {
  let written = '';
  let over = false;
  const raw = Object.assign(new EventEmitter(), {
    writableNeedDrain: false,
    writableLength: 1,
    destroyed: false,
    writeHead: () => undefined,
    flushHeaders: () => undefined,
    write: (data: string) => ((written += data), true),
    end: (data = '') => ((written += data), (over = true)),
    destroy: () => undefined,
  });
  const reply = { raw, headers: () => undefined, hijack: () => undefined, getHeaders: () => ({}) } as never;
  const events = <E>(): E[] =>
    written
      .split('\n')
      .filter((line) => line.startsWith('data: {'))
      .map((line) => JSON.parse(line.slice('data: '.length)) as E);
  return { reply, events, isOver: () => over };
};
