import { Agent, request } from 'undici';
import type { KubeAccount } from './account.ts';
import type { KubeObject } from './objects.ts';

/** The server answered, and not with what was asked for. */
export class StatusError extends Error {
  readonly status: number;
  /** Kubernetes' own word: `Conflict`, `NotFound`, `Expired`, … */
  readonly reason: string;

  constructor(status: number, message = `the Kubernetes API answered ${status}`, reason = '') {
    super(message);
    this.status = status;
    this.reason = reason;
  }
}

/** How a body changes an object: `apply` is server-side apply, `merge` a JSON merge patch. */
export type PatchKind = 'apply' | 'merge';
const MEDIA: Record<PatchKind, string> = { apply: 'application/apply-patch+yaml', merge: 'application/merge-patch+json' };

type Query = Record<string, string | number | boolean>;

/** Each call has a deadline and rejects with a `StatusError` when the server answers, with another error when not. */
export interface KubeApi {
  readonly namespace: string;
  get<T extends KubeObject>(path: string, query?: Query): Promise<T>;
  /** Null where there is none. */
  find<T extends KubeObject>(path: string): Promise<T | null>;
  create<T extends KubeObject>(path: string, body: T): Promise<T>;
  replace<T extends KubeObject>(path: string, body: T): Promise<T>;
  patch<T extends KubeObject>(path: string, kind: PatchKind, body: unknown, query?: Query): Promise<T>;
  remove(path: string): Promise<void>;
  close(): Promise<void>;
}

const DEADLINE_MS = 10_000;
/** A list of some thousand objects; what is larger is none of ours. */
const MOST_BYTES = 64 * 1024 * 1024;

export interface KubeApiOptions {
  deadlineMs?: number;
}

export const createKubeApi = (account: KubeAccount, { deadlineMs = DEADLINE_MS }: KubeApiOptions = {}): KubeApi => {
  const dispatcher = new Agent({ connect: account.ca === '' ? {} : { ca: account.ca }, connections: 16, keepAliveTimeout: 30_000 });

  const call = async <T>(method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE', path: string, options: Sent = {}): Promise<T> => {
    const { query = {}, body, type = 'application/json' } = options;
    const url = new URL(path, account.server);
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, String(value));
    const { statusCode, body: answer } = await request(url, {
      method,
      dispatcher,
      signal: AbortSignal.timeout(deadlineMs),
      headers: {
        authorization: `Bearer ${await account.token()}`,
        accept: 'application/json',
        ...(body !== undefined && { 'content-type': type }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await readBounded(answer);
    if (statusCode >= 200 && statusCode < 300) return JSON.parse(text) as T;
    const { message, reason } = statusOf(text);
    throw new StatusError(statusCode, message, reason);
  };

  return {
    namespace: account.namespace,
    get: (path, query) => call('GET', path, { ...(query && { query }) }),
    async find(path) {
      return call<never>('GET', path).catch((error: unknown) => {
        if (error instanceof StatusError && error.status === 404) return null;
        throw error;
      });
    },
    create: (path, body) => call('POST', path, { body }),
    replace: (path, body) => call('PUT', path, { body }),
    patch: (path, kind, body, query = {}) => call('PATCH', path, { body, type: MEDIA[kind], query }),
    remove: async (path) => void (await call('DELETE', path)),
    close: () => dispatcher.destroy(),
  };
};

interface Sent {
  query?: Query;
  body?: unknown;
  type?: string;
}

const readBounded = async (body: AsyncIterable<Buffer>): Promise<string> => {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of body) {
    bytes += part.length;
    if (bytes > MOST_BYTES) throw new Error('the answer of the Kubernetes API is too large');
    parts.push(part);
  }
  return Buffer.concat(parts).toString();
};

/** What a `Status` says; the beginning of what is none. */
const statusOf = (text: string): { message: string; reason: string } => {
  try {
    const { message = '', reason = '' } = JSON.parse(text) as { message?: string; reason?: string };
    return { message, reason };
  } catch {
    return { message: text.slice(0, 200), reason: '' };
  }
};
