import type { FastifyRequest } from 'fastify';
import type { GatewayContext } from '../../context.ts';
import { MOST_BODY_BYTES, type HeldBodies } from '../../http/plumbing/bodies.ts';
import type { UploadOutcome } from '../../http/plumbing/http-metrics.ts';
import type { RequestCounts } from './metrics.ts';
import type { PendingAnswers } from './run.ts';

/** What the routes of `/v1` are built from. */
export type OpenAiContext = GatewayContext & {
  pending: PendingAnswers;
  /** The caller of a request, for handlers that run after authentication and before the body is read. */
  callers: WeakMap<FastifyRequest, string>;
  requests: RequestCounts;
  bodies: HeldBodies;
  /** Counts a file that came inside a request. */
  uploaded(outcome: UploadOutcome): void;
};

/** Of routes whose bodies may have files in them. */
export const takesFiles = { bodyLimit: MOST_BODY_BYTES, config: { holdsBody: true } };
