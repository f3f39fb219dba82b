import type { FastifyRequest } from 'fastify';
import { RunnelError } from '@runnel/protocol';

const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS']);
const SAME_SITE = new Set(['same-origin', 'none']);

/** What a browser says about where a request comes from. */
export interface RequestSource {
  method: string;
  /** A WebSocket handshake: a GET that opens a way to change things, so never safe. */
  upgrade: boolean;
  host: string | undefined;
  origin: string | undefined;
  secFetchSite: string | undefined;
  /** Nothing a foreign page could make a browser send by itself. */
  bearer: boolean;
  cookie: boolean;
}

const hostOf = (origin: string): string | null => (URL.canParse(origin) ? new URL(origin).host : null);

/** The same host on any scheme (an ingress may end TLS), or one of `CORS_ORIGINS`. */
const isAllowedOrigin = (origin: string, source: RequestSource, allowed: readonly string[]): boolean => {
  if (allowed.includes(origin)) return true;
  // `*` means pages of anywhere that act for nobody: with a cookie it would mean every page in the world acts for the visitor.
  if (allowed.includes('*') && !source.cookie) return true;
  const originHost = hostOf(origin);
  return originHost !== null && originHost === source.host?.toLowerCase();
};

/**
 * Whether a request may be a foreign page riding on this browser's cookie (CSRF, cross-site WebSocket hijacking).
 * After Go's `http.CrossOriginProtection`: every browser of today sends `Origin` or `Sec-Fetch-Site` with such a request,
 * so one with neither is no browser's.
 */
export const isCrossSite = (source: RequestSource, allowed: readonly string[]): boolean => {
  if (SAFE_METHODS.has(source.method) && !source.upgrade) return false;
  if (source.bearer) return false;
  if (source.origin !== undefined) return !isAllowedOrigin(source.origin, source, allowed);
  return source.secFetchSite !== undefined && !SAME_SITE.has(source.secFetchSite);
};

const single = (value: string | string[] | undefined): string | undefined => (Array.isArray(value) ? value[0] : value);

/** A Fastify `onRequest` hook. Throws `forbidden`. */
export const originGuard =
  (allowed: readonly string[]) =>
  async (request: FastifyRequest): Promise<void> => {
    const { headers } = request;
    const source: RequestSource = {
      method: request.method,
      upgrade: headers.upgrade?.toLowerCase() === 'websocket',
      host: request.host,
      origin: headers.origin,
      secFetchSite: single(headers['sec-fetch-site']),
      bearer: headers.authorization?.toLowerCase().startsWith('bearer ') ?? false,
      cookie: headers.cookie !== undefined,
    };
    if (isCrossSite(source, allowed)) throw new RunnelError('forbidden', 'This origin may not do that.');
  };
