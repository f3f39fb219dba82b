import { once } from 'node:events';
import { createServer, request as ask, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Later than any answer of a healthy bucket, and in time. */
const LATE_MS = 700;

const errorOf = (code: string): string =>
  `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${code}</Code><Message>The bucket kept-things says ${code}</Message></Error>`;
const answers =
  (status: number, body: string, type = 'application/xml'): Meddle =>
  (request, response) => {
    request.resume().on('end', () => response.writeHead(status, { 'content-type': type }).end(body));
  };

type Pass = (request: IncomingMessage, response: ServerResponse, onAnswer?: (answer: IncomingMessage) => void) => void;
type Meddle = (request: IncomingMessage, response: ServerResponse, pass: Pass) => void;

/** What a bucket, or something before it, does to a request. `unheard`: it is done, and nobody hears of it. */
export const FAULTS = {
  refuses: (request) => void request.socket.destroy(),
  hangs: (request) => void request.resume(),
  'answers 500': answers(500, errorOf('InternalError')),
  'answers 503': answers(503, errorOf('SlowDown')),
  'answers 403': answers(403, errorOf('AccessDenied')),
  'knows no such bucket': answers(404, errorOf('NoSuchBucket')),
  'has lost it': answers(404, errorOf('NoSuchKey')),
  'is another server': answers(404, '<html>Not here</html>', 'text/html'),
  'is a page that says yes': answers(200, '<html>Welcome</html>', 'text/html'),
  'is in conflict': answers(409, errorOf('OperationAborted')),
  'is cut in the middle': (request, response, pass) => {
    if (request.method !== 'GET') return void request.once('readable', () => request.socket.destroy());
    pass(request, response, (answer) => {
      response.writeHead(answer.statusCode!, answer.headers);
      const half = Math.ceil(Number(answer.headers['content-length'] ?? 2) / 2);
      let seen = 0;
      answer.on('end', () => response.destroy());
      answer.on('data', (chunk: Buffer) => {
        const left = chunk.subarray(0, half - seen);
        seen += left.length;
        response.write(left);
        if (seen >= half) setImmediate(() => response.destroy());
      });
    });
  },
  unheard: (request, response, pass) => pass(request, response, (answer) => answer.resume().on('end', () => response.destroy())),
  'answers late': (request, response, pass) => void setTimeout(() => pass(request, response), LATE_MS),
} satisfies Record<string, Meddle>;
export type Fault = keyof typeof FAULTS;

export interface FaultyBucket {
  url: string;
  /** From now on requests like this are met by the fault, so many of them. Told by method and name: `GET files/x/seen`, `LIST files/x/`. */
  meet(asked: RegExp, fault: Fault, times: number): void;
  /** Heals it. Resolves to how many requests met the fault. */
  heal(): number;
  close(): void;
}

/** In front of a bucket: what it does not meddle with passes. */
export const faultyBucket = async (bucket: string): Promise<FaultyBucket> => {
  let now: { asked: RegExp; fault: Fault; left: number; met: number } | null = null;
  const pass: Pass = (request, response, onAnswer) => {
    const { method, headers, url } = request;
    const on = ask(`${bucket}${url}`, { method, headers, agent: false }, (answer) => {
      if (onAnswer) return onAnswer(answer);
      response.writeHead(answer.statusCode!, answer.headers);
      answer.pipe(response);
    });
    on.on('error', () => response.destroy());
    request.pipe(on);
  };
  const nameOf = ({ method, url = '' }: IncomingMessage): string => {
    const { pathname, searchParams } = new URL(url, bucket);
    const [, , ...key] = pathname.split('/');
    return key.join('/') === '' ? `LIST ${searchParams.get('prefix')}` : `${method} ${key.join('/')}`;
  };
  const proxy = createServer((request, response) => {
    if (now === null || now.left === 0 || !now.asked.test(nameOf(request))) return pass(request, response);
    now.left--;
    now.met++;
    (FAULTS[now.fault] as Meddle)(request, response, pass);
  }).listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  return {
    url: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`,
    meet: (asked, fault, times) => void (now = { asked, fault, left: times, met: 0 }),
    heal() {
      const met = now?.met ?? 0;
      now = null;
      return met;
    },
    close() {
      proxy.closeAllConnections();
      proxy.close();
    },
  };
};
