import fc from 'fast-check';
import { expect, onTestFinished, test } from 'vitest';
import { waitFor } from '../wait.ts';
import { ConfigError } from '../config.ts';
import { callInner, refusalOf } from './door.ts';
import { createInnerToken, type InnerToken } from './token.ts';

/** A store in which the first proposal stays, as `SET NX GET` does it; `away`: it does not answer. */
const store = () => {
  const state = { value: undefined as string | undefined, away: false, reads: 0 };
  const share = async (proposal: string): Promise<string> => {
    state.reads++;
    if (state.away) throw new Error('away');
    return (state.value ??= proposal);
  };
  return { state, share };
};

const pod = (share: (proposal: string) => Promise<string>): InnerToken => {
  const token = createInnerToken({ share });
  onTestFinished(() => token.close());
  return token;
};

/** One service asks another: what it hears in the end. */
const ask = async (from: InnerToken, to: InnerToken): Promise<number> => {
  const answer = async ({ authorization }: { authorization: string }) => {
    let refusal = refusalOf({ authorization }, to.current());
    if (refusal !== undefined) {
      await to.renew();
      refusal = refusalOf({ authorization }, to.current());
    }
    return { status: refusal === undefined ? 200 : refusal === 'not-ready' ? 503 : 401 };
  };
  return (await callInner(from, answer)).status;
};

test('S-8 pods share the first token that comes; whatever happens to the store, whoever reads it is let in again', async () => {
  const events = fc.array(fc.constantFrom('flush', 'rotate', 'restart', 'away', 'back'), { maxLength: 4 });
  await fc.assert(
    fc.asyncProperty(events, async (happened) => {
      const { state, share } = store();
      const pods = [pod(share), pod(share)];
      await Promise.all(pods.map((each) => each.renew()));
      for (const event of happened) {
        if (event === 'flush') state.value = undefined;
        if (event === 'rotate') state.value = `rotated-${state.reads}`;
        if (event === 'restart') pods[state.reads % 2] = pod(share);
        state.away = event === 'away' || (event !== 'back' && state.away);
      }
      state.away = false;
      await Promise.all(pods.map((each) => each.renew()));
      expect(await ask(pods[0]!, pods[1]!)).toBe(200);
      expect(await ask(pods[1]!, pods[0]!)).toBe(200);
      for (const each of pods) each.close();
    }),
    { numRuns: 15 },
  );
});

test('S-8 a service whose store is away at the start is closed, not open, and learns the token by itself', async () => {
  const { state, share } = store();
  state.away = true;
  const token = pod(share);
  await token.renew();
  expect(token.current()).toBeUndefined();
  expect(refusalOf({ authorization: 'Bearer undefined' }, token.current())).toBe('not-ready');
  state.away = false;
  await waitFor(() => token.current() !== undefined, { deadlineMs: 5000 });
});

test('S-8 a store that goes away takes nothing from those who know the token, and guesses are no flood of reads', async () => {
  const { state, share } = store();
  const token = pod(share);
  await token.renew();
  const known = token.current();
  state.away = true;
  const before = state.reads;
  await Promise.all(Array.from({ length: 1000 }, () => token.renew()));
  expect(token.current()).toBe(known);
  expect(state.reads - before).toBe(1);
});

test('S-8 a file is read again when a call is refused: a Secret may change under a pod', async () => {
  let text = 'the-first-token\n';
  const token = createInnerToken({ file: { path: 'f', text }, readFile: () => text });
  onTestFinished(() => token.close());
  text = 'the-second-token\n';
  expect(await ask(createInnerToken({ given: 'the-second-token' }), token)).toBe(200);
  text = '';
  await token.renew();
  expect(token.current()).toBe('the-second-token');
});

test('S-8 what cannot be a credential is refused at the start, without being printed', () => {
  for (const given of ['short', 'with a space in it', 'với dấu tiếng Việt'])
    expect(() => createInnerToken({ given })).toThrow(
      expect.toSatisfy((error) => error instanceof ConfigError && !error.message.includes(given)),
    );
  expect(() => createInnerToken({ given: 'long-enough', file: { path: 'f', text: 'long-enough' } })).toThrow('exclude each other');
  expect(createInnerToken({}).current()).not.toBe(createInnerToken({}).current());
});
