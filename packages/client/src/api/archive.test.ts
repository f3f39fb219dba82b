import { expect, test } from 'vitest';
import type { CallOptions } from './api.ts';
import { createArchive, replayOf } from './archive.ts';

const setup = (body = '') => {
  const asked: string[] = [];
  const note = (path: string, query: CallOptions['query'] = {}): void => {
    const given = Object.entries(query).filter(([, value]) => value !== undefined);
    asked.push(`${path} ${given.map((pair) => pair.join('=')).join('&')}`.trim());
  };
  const archive = createArchive({
    async get<T>(path: string, _fields: object, query?: CallOptions['query']) {
      note(path, query);
      return {} as T;
    },
    async open(path, { query } = {}) {
      note(path, query);
      return new Response(body);
    },
  });
  return { archive, asked };
};

test('own trail and everybody’s are different calls', async () => {
  const { archive, asked } = setup();
  await archive.trail({}, { after: 'x' });
  await archive.trail({ conversationId: 'c1', from: 1, to: 2 });
  await archive.trail({ all: true, userId: 'ann' }, { limit: 5 });
  await archive.trailFile({ all: true, conversationId: 'c1' }, 'csv');
  await archive.verify('c1');
  await archive.verify('c1', true);
  expect(asked).toEqual([
    '/api/trail after=x',
    '/api/conversations/c1/trail from=1&to=2',
    '/api/admin/trail user=ann&limit=5',
    '/api/admin/trail conversation=c1&format=csv',
    '/api/conversations/c1/verify',
    '/api/admin/conversations/c1/verify',
  ]);
});

test('a replay is one object: pieces with their times and holes, markers, length', () => {
  const stream = [
    ['start', { startedAt: 7, ms: 50, markers: [{ ms: 30, what: 'takeover', owner: 'ai-2' }] }],
    ['chunk', { ms: 10, at: 0, text: 'Xin ' }],
    ['marker', { ms: 30, what: 'takeover', owner: 'ai-2' }],
    ['chunk', { ms: 40, at: 4, text: 'chào', hole: true }],
    ['part', { ms: 45, part: { partId: 'p0', state: 'done' } }],
    ['end', { ms: 60, reason: 'complete' }],
  ]
    .map(([event, data]) => `event: ${String(event)}\ndata: ${JSON.stringify(data)}\n\n`)
    .join('');
  expect(replayOf(stream)).toEqual({
    startedAt: 7,
    ms: 60,
    pieces: [
      { ms: 10, text: 'Xin ', hole: false },
      { ms: 40, text: 'chào', hole: true },
    ],
    markers: [{ ms: 30, what: 'takeover', owner: 'ai-2' }],
    parts: [{ ms: 45, part: { partId: 'p0', state: 'done' } }],
  });
});
