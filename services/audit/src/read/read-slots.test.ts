import { fastify } from 'fastify';
import { expect, test } from 'vitest';
import { waitFor } from '@runnel/kit';
import { Gate, registerWidths } from './read-slots.ts';

const never = new AbortController().signal;

test('S-9 so many are inside, the others wait in turn, and more are sent away', async () => {
  const gate = new Gate({ at: 2, waiting: 2 });
  const inside: number[] = [];
  const releases: ((() => void) | null)[] = [];
  const come = (n: number, signal = never) =>
    gate.enter(signal).then((release) => {
      if (release) inside.push(n);
      releases[n] = release;
    });
  await Promise.all([come(0), come(1)]);
  const [third, fourth] = [come(2), come(3)];
  await come(4);
  expect(releases[4]).toBeNull();
  releases[0]!();
  releases[0]!();
  await third;
  expect(inside).toEqual([0, 1, 2]);
  releases[1]!();
  await fourth;
  expect(inside).toEqual([0, 1, 2, 3]);
});

test('S-9 who gives up while waiting takes nobody’s place', async () => {
  const gate = new Gate({ at: 1, waiting: 5 });
  const release = (await gate.enter(never))!;
  const leaving = new AbortController();
  const gone = gate.enter(leaving.signal);
  const next = gate.enter(never);
  leaving.abort();
  expect(await gone).toBeNull();
  release();
  expect(await next).not.toBeNull();
});

test('S-9 one kind of question that hangs leaves the others alone', async () => {
  const app = fastify();
  registerWidths(app, { verify: { at: 1, waiting: 1 }, search: { at: 1, waiting: 1 } });
  const { promise, resolve } = Promise.withResolvers<void>();
  let verifying = 0;
  app.get('/verify/:id', async () => {
    verifying++;
    await promise;
    return {};
  });
  app.get('/search', async () => ({}));
  const verify = () => app.inject('/verify/c1').then(({ statusCode }) => statusCode);
  const first = verify();
  await waitFor(() => verifying === 1);
  const second = verify();
  expect(await verify()).toBe(503);
  for (let i = 0; i < 3; i++) expect((await app.inject('/search?q=x')).statusCode).toBe(200);
  expect(verifying).toBe(1);
  resolve();
  expect(await Promise.all([first, second])).toEqual([200, 200]);
  expect(verifying).toBe(2);
  await app.close();
});
