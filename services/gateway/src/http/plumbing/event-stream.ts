import type { ServerResponse } from 'node:http';
import type { FastifyReply } from 'fastify';
import { onClose } from '@runnel/kit';

const COMMENT = ':\n\n';

/** A started `text/event-stream` answer. The headers that hooks have set go with it. */
export const startEventStream = (reply: FastifyReply): ServerResponse => {
  reply.headers({
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store, no-transform',
    // nginx would hold back what it takes for a page.
    'x-accel-buffering': 'no',
  });
  reply.hijack();
  const { raw } = reply;
  // A peer that vanishes is seen at `close`; an error event without a listener would end the process.
  raw.on('error', () => raw.destroy());
  raw.writeHead(200, reply.getHeaders() as Record<string, string>);
  raw.flushHeaders();
  return raw;
};

/** Writes a comment whenever `everyMs` pass, so that proxies and clients see a living connection. Returns the stop. */
export const keepAlive = (raw: ServerResponse, everyMs: number): (() => void) => {
  const timer = setInterval(() => {
    // Bytes are waiting: the reader is slow, not idle.
    if (raw.writableLength === 0) raw.write(COMMENT);
  }, everyMs);
  timer.unref();
  const stop = () => clearInterval(timer);
  onClose(raw, stop);
  return stop;
};

/** Resolves when everything written has left this process, or the reader has. */
export const drained = (raw: ServerResponse): Promise<void> =>
  new Promise((resolve) => {
    if (!raw.writableNeedDrain || raw.destroyed) return resolve();
    const done = () => {
      raw.off('drain', done);
      raw.off('close', done);
      resolve();
    };
    raw.on('drain', done);
    raw.on('close', done);
  });
