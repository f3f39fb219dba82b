import { isUtf8 } from 'node:buffer';
import type { IncomingHttpHeaders } from 'node:http';
import type { Readable } from 'node:stream';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { onClose } from '@runnel/kit';
import { RunnelError } from '@runnel/protocol';
import { ByteBudget } from '../../budgets/byte-budget.ts';
import { LargeBodies } from '../../budgets/large-bodies.ts';
import { excessOf } from './json-depth.ts';

/** A piece of an upload (tus): its route reads it as it comes. */
export const OFFSET_STREAM = 'application/offset+octet-stream';
/** Of a request with files inside: 18 MiB of them, in base64. Larger ones are uploaded. */
export const MOST_BODY_BYTES = 24 * 1024 * 1024;
/** Bodies of this node that are read and not yet understood: a tenth of the memory the chart gives a gateway. */
const MAX_BYTES = 2 * MOST_BODY_BYTES;
/** Of one person, or of one address while nobody knows whose it is: the largest, and some small ones beside it. */
const MAX_BYTES_EACH = MOST_BODY_BYTES + 4 * 1024 * 1024;
/** Bodies larger than a frame, or of a length nobody told: so many of one and of all at a time, or the body is not begun. */
const LARGE_BYTES = 64 * 1024;
const MAX_LARGE_EACH = 8;
const MAX_LARGE = 32;
/** What a piece of a body weighs at least: a buffer of one byte takes as much memory, and a client chooses how small its pieces are. */
const LEAST_PIECE_BYTES = 512;
const RETRY_AFTER_MS = 1000;

const REFUSALS = {
  node: () => new RunnelError('overloaded', 'Too many requests are being read; try again soon.', { retryAfterMs: RETRY_AFTER_MS }),
  each: () => new RunnelError('rate-limited', 'Too many unfinished requests at once.', { retryAfterMs: RETRY_AFTER_MS, limit: 'bodies' }),
};

const EXCESS = { depth: 'The body nests too deeply.', values: 'The body has too many values.' };

const isLarge = (headers: IncomingHttpHeaders): boolean =>
  headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > LARGE_BYTES;

/** Whether a body is said to be as we read it: in UTF-8, and not compressed (a small one could become any size). Pure. */
const isPlain = ({ 'content-type': type = '', 'content-encoding': encoding = 'identity' }: IncomingHttpHeaders): boolean => {
  const charset = /;\s*charset\s*=\s*"?([^";\s]*)/i.exec(type)?.[1] ?? 'utf-8';
  return /^utf-?8$/i.test(charset) && encoding.trim().toLowerCase() === 'identity';
};

export interface BodiesDeps {
  /** The person, once the hooks before the body know them. */
  callerOf(request: FastifyRequest): string | undefined;
  refused(limit: 'bodies'): void;
}

/** Bodies that count until their handler has done with them: it holds what it has read of them. */
export interface HeldBodies {
  /** Bytes that have come of it. */
  bytesOf(request: FastifyRequest): number;
  /** Nothing of it is held any more. */
  letGo(request: FastifyRequest): void;
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The body counts until `letGo`, or until the response has left. */
    holdsBody?: boolean;
  }
}

/**
 * Bounds what unfinished bodies hold. What has come is counted, not what was announced: whoever announces much and sends little holds
 * little, and must not keep others out. A request gives its bytes back when its body is read, or broken off.
 */
export const registerBodies = (app: FastifyInstance, { callerOf, refused }: BodiesDeps): HeldBodies => {
  const budget = new ByteBudget(MAX_BYTES, MAX_BYTES_EACH);
  const large = new LargeBodies(MAX_LARGE, MAX_LARGE_EACH);
  const held = new WeakMap<FastifyRequest, { bytes: number; release(): void }>();

  // With a callback: the stream must not begin to flow before the parser listens to it, too.
  app.addHook('preParsing', (request: FastifyRequest, reply, payload, done) => {
    // Bytes of a file are written as they come; only the routes of files take this type.
    if (request.headers['content-type']?.startsWith(OFFSET_STREAM)) return done(null, payload);
    if (!isPlain(request.headers)) {
      reply.headers({ connection: 'close', 'accept-encoding': 'identity' });
      return done(Object.assign(new Error('not plain UTF-8'), { statusCode: 415, code: 'ENCODED_BODY' }));
    }
    const key = callerOf(request) ?? request.ip;
    const body = { bytes: 0, release: () => release() };
    held.set(request, body);
    const refuse = (verdict: keyof typeof REFUSALS): RunnelError => {
      refused('bodies');
      // The rest of it would be read to keep the connection.
      reply.header('connection', 'close');
      return REFUSALS[verdict]();
    };
    let heldBytes = 0;
    // The parser hears of it as of any stream that fails, and answers; nothing more of this body is kept.
    const breakOff = (verdict: keyof typeof REFUSALS): void => {
      release();
      payload.emit('error', refuse(verdict));
    };
    const place = isLarge(request.headers) ? large.take(key, () => breakOff('node')) : undefined;
    if (typeof place === 'string') return done(refuse(place));
    const release = (): void => {
      if (place) large.release(place);
      budget.release(key, heldBytes);
      heldBytes = 0;
      payload.off('data', count);
    };
    const count = (data: Buffer): void => {
      const weight = Math.max(data.length, LEAST_PIECE_BYTES);
      const verdict = budget.take(key, weight);
      if (verdict !== 'taken') return breakOff(verdict);
      heldBytes += weight;
      body.bytes += data.length;
      if (place) place.bytes = body.bytes;
    };
    payload.on('data', count);
    const isHeld = request.routeOptions.config.holdsBody === true;
    let isWhole = false;
    payload.once('end', () => {
      isWhole = true;
      if (place) place.isWhole = true;
      if (!isHeld) release();
    });
    onClose(payload as Readable, () => !(isWhole && isHeld) && release());
    if (isHeld) onClose(reply.raw, release);
    done(null, payload);
  });

  app.removeContentTypeParser('application/json');
  readJson(app, 'application/json');
  return { bytesOf: (request) => held.get(request)?.bytes ?? 0, letGo: (request) => held.get(request)?.release() };
};

/** Reads bodies of a type as JSON. */
export const readJson = (app: FastifyInstance, contentType: string): void => {
  const parse = app.getDefaultJsonParser('error', 'error');
  app.addContentTypeParser(contentType, { parseAs: 'buffer' }, (request, bytes: Buffer, done) => {
    // Decoding would put U+FFFD in the place of what cannot be read, and a prompt would be kept that nobody wrote.
    if (!isUtf8(bytes)) return done(new RunnelError('bad-frame', 'The body is not UTF-8.'));
    const body = bytes.toString();
    const excess = excessOf(body);
    if (excess) return done(new RunnelError('bad-frame', EXCESS[excess]));
    void parse(request, body, done);
  });
};
