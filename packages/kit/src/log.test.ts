import { expect, test } from 'vitest';
import { createLogger } from './log.ts';

function capture() {
  const lines: Record<string, unknown>[] = [];
  const log = createLogger(
    { level: 'debug', node: 'n-1', service: 'ai' },
    { write: (line) => void lines.push(JSON.parse(line) as Record<string, unknown>) },
  );
  return { log, lines };
}

test('one line per event, with level, time, service and node', () => {
  const { log, lines } = capture();
  log.info({ event: 'run.claimed', runId: 'r1', epoch: 2 });
  log.trace({ event: 'not.shown' });
  expect(lines).toEqual([
    { level: 'info', time: expect.stringMatching(/^\d{4}-.*Z$/), service: 'ai', node: 'n-1', event: 'run.claimed', runId: 'r1', epoch: 2 },
  ]);
});

test('what people wrote and what opens a door is never written, wherever it stands', () => {
  const { log, lines } = capture();
  log.info({ event: 'x', text: 'private', frame: { token: 'private', headers: { authorization: 'private', cookie: 'private' } } });
  expect(JSON.stringify(lines)).not.toContain('private');
});

test('an error keeps its stack under err', () => {
  const { log, lines } = capture();
  log.error({ event: 'x', err: new Error('broken', { cause: new Error('deeper') }) });
  expect(lines[0]?.['err']).toMatchObject({
    type: 'Error',
    message: expect.stringContaining('broken'),
    stack: expect.stringContaining('log.test.ts'),
  });
});
