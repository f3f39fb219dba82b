import { createLogger } from '@runnel/kit';
import { expect, test } from 'vitest';
import { startGateway } from '../testing/test-gateway.ts';

const TRACE = 'a1b2c3d4e5f60718293a4b5c6d7e8f90';
const WORDS = 'my salary is 1234';

const logged = () => {
  const lines: string[] = [];
  const log = createLogger({ node: 'n', service: 'gateway' }, { write: (line: string) => void lines.push(line) });
  return { log, lines, events: () => lines.map((line) => JSON.parse(line) as Record<string, unknown>) };
};

test('an access log says who asked what, with ids, outcome and time, over HTTP and sockets; never a text, an address or a token', async () => {
  const { log, lines, events } = logged();
  await using gateway = await startGateway({ env: { ACCESS_LOG: 'yes' }, log });
  const post = (path: string, body: object) =>
    fetch(`${gateway.url}${path}?user_id=ann&token=planted-secret`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', traceparent: `00-${TRACE}-1234567890abcdef-01` },
      body: JSON.stringify(body),
    });
  await post('/api/chat', { conversationId: 'c1', messageId: 'm1', runId: 'r1', text: WORDS });
  await post('/api/chat', { conversationId: 'c1', messageId: 'm2', runId: 'r2', text: WORDS });
  await fetch(`${gateway.url}/api/planted-secret/${encodeURIComponent(WORDS)}?user_id=ann`);
  const ann = await gateway.connect({ query: { user_id: 'ann' } });
  await ann.ask({ type: 'cancel', conversationId: 'c1', runId: 'r1' });
  const told = events().map(({ event, command, outcome, code, route, userId, conversationId, runId, trace_id }) =>
    [event, command ?? route, outcome ?? code, userId, conversationId, runId, trace_id].map((value) => value ?? '-').join(' '),
  );
  expect(told).toEqual(
    expect.arrayContaining([
      `command.answered prompt ok ann c1 r1 ${TRACE}`,
      `command.answered prompt busy ann c1 r2 ${TRACE}`,
      'http.answered /api/chat 202 ann - - -',
      'http.answered /api/chat 409 ann - - -',
      'command.answered cancel ok ann c1 r1 -',
    ]),
  );
  expect(told.some((line) => line.startsWith('http.answered none 404'))).toBe(true);
  expect(lines.join('')).not.toMatch(/planted|salary/);
});

test('without it nobody is in the log', async () => {
  const { log, lines } = logged();
  await using gateway = await startGateway({ log });
  const ann = await gateway.connect({ query: { user_id: 'ann' } });
  await ann.ask({ type: 'prompt', conversationId: 'c1', messageId: 'm1', runId: 'r1', text: WORDS });
  expect(lines.join('')).not.toContain('ann');
});
