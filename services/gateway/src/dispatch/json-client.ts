import { request as httpRequest, Agent } from 'node:http';
import { request as httpsRequest, Agent as HttpsAgent } from 'node:https';

export interface JsonAnswer {
  status: number;
  /** Undefined when the body is no JSON. */
  body: unknown;
}

export interface JsonClient {
  /** Rejects on a network error, after `timeoutMs`, and on a body of more than 1 MiB. */
  call(
    method: 'GET' | 'POST',
    url: URL,
    options: { body?: unknown; timeoutMs: number; headers?: Record<string, string> },
  ): Promise<JsonAnswer>;
  close(): void;
}

const MAX_BODY_BYTES = 1024 * 1024;

/** Small JSON calls inside the cluster, over connections that stay open unless told otherwise: a dispatch must not pay for a handshake. */
export const createJsonClient = ({ ca, keepAlive = true }: { ca?: string; keepAlive?: boolean } = {}): JsonClient => {
  const options = { keepAlive, maxSockets: 64, maxFreeSockets: 16, scheduling: 'lifo' } as const;
  const agents = { http: new Agent(options), https: new HttpsAgent({ ...options, ...(ca !== undefined && { ca }) }) };
  return {
    call: (method, url, { body, timeoutMs, headers }) =>
      new Promise((resolve, reject) => {
        const secure = url.protocol === 'https:';
        const payload = body === undefined ? undefined : Buffer.from(JSON.stringify(body));
        const request = (secure ? httpsRequest : httpRequest)(url, {
          method,
          agent: secure ? agents.https : agents.http,
          signal: AbortSignal.timeout(timeoutMs),
          headers: { ...headers, ...(payload && { 'content-type': 'application/json', 'content-length': payload.length }) },
        });
        request.on('error', reject);
        request.on('response', (response) => {
          const parts: Buffer[] = [];
          let size = 0;
          response.on('error', reject);
          response.on('data', (part: Buffer) => {
            size += part.length;
            if (size > MAX_BODY_BYTES) response.destroy(new Error('the answer is too large'));
            else parts.push(part);
          });
          response.on('end', () => resolve({ status: response.statusCode ?? 0, body: parseJson(Buffer.concat(parts).toString()) }));
        });
        request.end(payload);
      }),
    close() {
      agents.http.destroy();
      agents.https.destroy();
    },
  };
};

const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};
