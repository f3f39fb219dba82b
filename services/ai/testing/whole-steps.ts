import fc from 'fast-check';
import type { Whole } from './whole.ts';

type Step = [name: string, act: (whole: Whole) => Promise<void> | void];

const who = fc.nat(2);
const step = <T>(name: string, arbitrary: fc.Arbitrary<T>, act: (whole: Whole, value: T) => Promise<void> | void): fc.Arbitrary<Step> =>
  arbitrary.map((value) => {
    const told = `${name} ${String(value)}`;
    return [told, Object.assign((whole: Whole) => act(whole, value), { toString: () => told })];
  });

/** What may happen in a story of a store that goes back. */
export const STEPS = fc.oneof(
  { weight: 6, arbitrary: step('prompt', who, (whole, client) => whole.prompt(client)) },
  { weight: 8, arbitrary: step('sweep', who, (whole, pod) => whole.sweep(pod)) },
  { weight: 6, arbitrary: step('speak', who, (whole, pod) => whole.speak(pod)) },
  { weight: 6, arbitrary: step('end', who, (whole, pod) => whole.end(pod)) },
  { weight: 8, arbitrary: step('read', who, (whole, client) => whole.read(client)) },
  { weight: 4, arbitrary: step('pass', fc.constantFrom(200, 1_200, 3_700), (whole, ms) => whole.pass(ms)) },
  { weight: 4, arbitrary: step('replicate', fc.constant(''), (whole) => whole.store.replicate()) },
  { weight: 3, arbitrary: step('failover', fc.constant(''), (whole) => whole.failover()) },
  { weight: 3, arbitrary: step('relay', fc.constant(''), (whole) => whole.relay()) },
  { weight: 1, arbitrary: step('die', who, (whole, pod) => whole.die(pod)) },
);
