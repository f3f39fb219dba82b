import { randomUUID } from 'node:crypto';
import { request } from 'node:http';

export interface Asked {
  method: string;
  /** As it goes over the wire: no client makes it neater. */
  path: string;
  headers?: Record<string, string>;
  body?: string;
}
export interface Told {
  status: number;
  code: string | undefined;
  text: string;
}

/** A request whose address nobody mends; of a stream the beginning, and `status: 0` where the connection was cut. */
export const ask = (origin: string, userId: string, { method, path, headers = {}, body }: Asked): Promise<Told> =>
  new Promise((resolve) => {
    const url = new URL(origin);
    const asked = `${path}${path.includes('?') ? '&' : '?'}user_id=${userId}`;
    const sent = request({ host: url.hostname, port: url.port, method, path: asked, headers, setHost: true, timeout: 20_000 });
    const end = (status: number, text: string): void => {
      let code: string | undefined;
      try {
        const said = JSON.parse(text) as { code?: string; error?: { code?: string } };
        code = said.code ?? said.error?.code;
      } catch {
        // A stream, a page, or nothing.
      }
      sent.destroy();
      resolve({ status, code, text });
    };
    sent.on('response', (response) => {
      let text = '';
      const status = response.statusCode!;
      response.on('data', (piece: Buffer) => {
        text += piece.toString();
        // An event stream never ends by itself.
        if (/text\/event-stream/.test(response.headers['content-type'] ?? '') && text.includes('\n\n')) end(status, text);
      });
      response.on('end', () => end(status, text));
      response.on('error', () => end(status, text));
    });
    sent.on('error', () => end(0, ''));
    sent.on('timeout', () => end(0, 'timeout'));
    sent.end(body);
  });

interface Document {
  paths: Record<string, Record<string, { operationId?: string; parameters?: { name: string; in: string; required?: boolean }[] }>>;
}
/** Every route of the gateway whose address has an id in it, with a place for it: as its own description has them. */
export const addressesOf = (document: Document): { name: string; method: string; path: (id: string) => string }[] =>
  Object.entries(document.paths).flatMap(([path, methods]) => {
    const places = [...path.matchAll(/\{([^}]+)\}/g)].map(([place]) => place);
    return Object.entries(methods).flatMap(([method, { operationId = '' }]) =>
      places.map((place) => ({
        name: `${operationId} ${place}`,
        method: method.toUpperCase(),
        path: (id: string) => path.replace(place, () => id).replaceAll(/\{[^}]+\}/g, () => 'other'),
      })),
    );
  });

const json = (path: string, body: unknown, method = 'POST'): Asked => ({
  method,
  path,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(body),
});
const command = (fields: object) => ({ conversationId: 'odd', messageId: randomUUID(), text: 'count 1', ...fields });

/** Where an id stands in a body. */
export const BODIES: Record<string, (id: unknown) => Asked> = {
  'prompt conversationId': (id) => json('/api/chat', command({ conversationId: id })),
  'prompt messageId': (id) => json('/api/chat', command({ messageId: id })),
  'prompt runId': (id) => json('/api/chat', command({ runId: id })),
  'prompt parentId': (id) => json('/api/chat', command({ parentId: id })),
  'prompt file': (id) => json('/api/chat', command({ files: [id] })),
  'regenerate conversationId': (id) => json('/api/regenerate', { conversationId: id, parentId: 'odd' }),
  'regenerate parentId': (id) => json('/api/regenerate', { conversationId: 'odd', parentId: id }),
  'cancel conversationId': (id) => json('/api/cancel', { conversationId: id, runId: 'odd' }),
  'cancel runId': (id) => json('/api/cancel', { conversationId: 'odd', runId: id }),
};

/** Frames and the names of their ids. */
export const FRAMES: Record<string, (id: unknown) => object> = {
  'follow conversationId': (id) => ({ type: 'follow', conversationId: id }),
  'follow cursor': (id) => ({ type: 'follow', conversationId: 'odd', cursor: { logId: id, offset: 1 } }),
  'unfollow conversationId': (id) => ({ type: 'unfollow', conversationId: id }),
  'prompt conversationId': (id) => ({ type: 'prompt', ...command({ conversationId: id }) }),
  'prompt messageId': (id) => ({ type: 'prompt', ...command({ messageId: id }) }),
  'prompt parentId': (id) => ({ type: 'prompt', ...command({ parentId: id }) }),
  'regenerate parentId': (id) => ({ type: 'regenerate', conversationId: 'odd', parentId: id }),
  'cancel runId': (id) => ({ type: 'cancel', conversationId: 'odd', runId: id }),
  'delete messageId': (id) => ({ type: 'delete', conversationId: 'odd', messageId: id }),
  'typing conversationId': (id) => ({ type: 'typing', conversationId: id, active: true }),
};
/** Where an id stands in a header, as text of Latin letters. */
export const HEADERS: Record<string, (id: string) => Asked> = {
  'completion in a conversation': (id) => ({
    ...json('/v1/chat/completions', { model: 'count', messages: [{ role: 'user', content: 'count 1' }] }),
    headers: { 'content-type': 'application/json', 'x-runnel-conversation': id },
  }),
  'event stream resumed': (id) => ({ method: 'GET', path: '/api/conversations/odd/events', headers: { 'last-event-id': id } }),
};
