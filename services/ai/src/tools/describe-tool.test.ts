import { performance } from 'node:perf_hooks';
import type { Tool as McpTool } from '@modelcontextprotocol/client';
import { expect, test } from 'vitest';
import { describeTools } from './describe-tool.ts';

const entry = { id: 's', url: 'http://127.0.0.1:1/mcp' };
const withPattern = (name: string, pattern: string) =>
  ({ name, inputSchema: { type: 'object', properties: { x: { type: 'string', pattern } } } }) as McpTool;
const HOSTILE = `${'a'.repeat(60)}!`;

test('a pattern that backtracks without end costs a pod a moment, once, and the call is refused', () => {
  const { tools } = describeTools(entry, [withPattern('slow', '^(a+)+$'), withPattern('other', '^a*$')]);
  const startedAt = performance.now();
  expect(tools[0]!.check({ x: HOSTILE })).toMatch(/in time/);
  for (let n = 0; n < 50; n++) expect(tools[0]!.check({ x: HOSTILE })).toMatch(/in time/);
  expect(performance.now() - startedAt).toBeLessThan(2_000);
  // Another tool of the server is none of a better server.
  expect(tools[1]!.check({ x: 'aa' })).toMatch(/in time/);
  // One of another server is.
  expect(describeTools(entry, [withPattern('quick', '^a*$')]).tools[0]!.check({ x: 'aa' })).toBeNull();
});

test('a check within its time says what it always said', () => {
  const [tool] = describeTools(entry, [withPattern('slow', '^(a+)+$')]).tools;
  expect(tool!.check({ x: 'aaa' })).toBeNull();
  expect(tool!.check({ x: 'b' })).toMatch(/do not fit/);
});

test('a schema that costs more to read than all may is left out, and so is what stands behind it', () => {
  const deep = (n: number): object => (n === 0 ? { type: 'string' } : { allOf: [deep(n - 1), deep(n - 1)] });
  const tool = (name: string) => ({ name, inputSchema: { type: 'object', properties: { x: deep(9) } } }) as McpTool;
  const startedAt = performance.now();
  const { tools, left } = describeTools(
    entry,
    Array.from({ length: 100 }, (_, n) => tool(`t${n}`)),
  );
  expect(performance.now() - startedAt).toBeLessThan(8_000);
  expect(tools.length + left.length).toBe(100);
  for (const { why } of left) expect(why).toMatch(/takes too long/);
});
