import { expect, test } from 'vitest';
import { RunnelError } from '@runnel/protocol';
import type { Auth } from './auth.ts';
import { withCount } from './counted.ts';

const refusing =
  (code: 'unauthorized' | 'unavailable'): Auth['verify'] =>
  () =>
    Promise.reject(new RunnelError(code));
const ann = { userId: 'ann', expiresAt: null };

test('each check is told by its outcome, and the answer is the same', async () => {
  const seen: string[] = [];
  const auth = (verify: Auth['verify'], identity: object | null = { ...ann, source: 'cookie' }): Auth =>
    withCount({ mode: 'jwt', verify, identify: async () => ({ identity }) as never, require: async () => ann as never }, (word) =>
      seen.push(word),
    );
  expect(await auth(async () => ann).verify('token')).toEqual(ann);
  await expect(auth(refusing('unauthorized')).verify('a-secret-token')).rejects.toMatchObject({ code: 'unauthorized' });
  await expect(auth(refusing('unavailable')).verify('a-secret-token')).rejects.toMatchObject({ code: 'unavailable' });
  await auth(async () => ann, null).identify({} as never);
  // Asked before the body and again by the route: one caller, counted once.
  const request = { method: 'GET' } as never;
  const one = auth(async () => ann);
  await one.require(request, {} as never);
  await one.require(request, {} as never);
  expect(seen).toEqual(['ok', 'unauthorized', 'unavailable', 'nobody', 'ok']);
});
