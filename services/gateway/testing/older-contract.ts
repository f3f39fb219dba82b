import type { RunLog } from '@runnel/coordination';
import type { Message } from '@runnel/protocol';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { OlderWorld, type Action, type Database } from './older-world.ts';

const ACTIONS: readonly Action[] = ['edit', 'regenerate', 'continue', 'delete'];
const DATABASES: readonly Database[] = ['up', 'away', 'hangs'];
const STATES = ['forgotten', 'brought back', 'pushed out'] as const;
type State = (typeof STATES)[number];

interface Step {
  action: Action;
  place: number;
  database: Database;
}

const worldIn = async (store: RunLog, state: State): Promise<OlderWorld> => {
  const world = new OlderWorld(store);
  if (state !== 'forgotten') await world.bringBack();
  if (state === 'pushed out') await world.pushOut(4);
  return world;
};

/** Places in a conversation of 216 turns: by then the newest 200 are here, those from 16 on were. */
const PLACES = {
  // Pushed out, it is the hundredth message that is here, and its question the ninety-ninth.
  'hundredth answer': 123,
  root: 0,
  question: 6,
  answer: 7,
  'known question': 18,
  'known answer': 19,
  'newer question': 100,
  'newer answer': 101,
  last: -1,
};

/** The messages that a command is about: for another answer or more of one, also the question above it, which may be one message older than what the store keeps. */
const needed = (action: Action, messageId: string, message: Message | undefined): string[] => {
  const isOfAnswer = message?.role === 'assistant' && (action === 'regenerate' || action === 'continue');
  if (!isOfAnswer) return [messageId];
  return action === 'continue' ? [message.parentId!, messageId] : [message.parentId!];
};

const areHere = async (world: OlderWorld, messageIds: readonly string[]): Promise<boolean> =>
  (await Promise.all(messageIds.map((messageId) => world.isHere(messageId)))).every(Boolean);

/** The second answer pushes out the question above message 17, which itself is still here. */
const QUESTION_JUST_GONE: Step[] = [
  { action: 'regenerate', place: 0, database: 'up' },
  { action: 'continue', place: 17, database: 'away' },
];

/** One command to one message, and whether what it did is what it does to a message that is here. */
const check = async (world: OlderWorld, action: Action, messageId: string, state: State): Promise<void> => {
  const before = world.all.get(messageId);
  const isAway = world.database !== 'up';
  const isHere = await areHere(world, needed(action, messageId, before));
  const { outcome, path } = await world.act(action, messageId);
  const told = `${action} of ${messageId} (${before?.role}, ${before?.status}), ${state}, database ${world.database}, here ${isHere}`;
  if (!before) return expect([told, outcome]).toEqual([told, isAway ? 'unavailable' : 'not-found']);
  if (isAway && !isHere && action !== 'delete') return expect([told, outcome]).toEqual([told, 'unavailable']);
  // Known by its id, it goes although the database cannot say what it said.
  if (action === 'delete')
    return expect([told, isAway && !isHere ? ['done', 'unavailable'] : ['done']]).toEqual([told, expect.arrayContaining([outcome])]);
  const question = before.role === 'assistant' ? world.all.get(before.parentId!) : before;
  const canAnswer = action === 'edit' || (question?.role === 'user' && question.status !== 'deleted');
  const canContinue = action !== 'continue' || before.role !== 'assistant' || (before.status !== 'deleted' && before.text !== '');
  expect([told, outcome]).toEqual([told, canAnswer && canContinue ? 'started' : 'not-found']);
  if (path === undefined) return;
  const whole = world
    .pathTo(action === 'edit' ? [...world.all.values()].at(-2)!.messageId : question!.messageId)
    .map((one) => one.messageId);
  // The newest of a thread as long as a store keeps, or all of it: never another thread, never nothing above an old message.
  expect([told, path]).toEqual([told, whole.slice(-path.length)]);
  // A thread that runs on in the store is cut where the store's memory ends; one that was put together is not.
  if (!isAway && path.length < 100) expect([told, path.length]).toEqual([told, whole.length]);
};

export const olderContract = (name: string, store: () => RunLog, numRuns: number): void => {
  const places = Object.entries(PLACES);
  const cells = STATES.flatMap((state) => DATABASES.map((database) => [state, database] as const));
  test.each(cells)(
    `B17 ${name}: whatever is done to a message that only the database has, %s, database %s: as for one that is here, or unavailable`,
    { timeout: 60_000 },
    async (state, database) => {
      for (const action of ACTIONS) {
        const world = await worldIn(store(), state);
        const given = [...world.all.keys()];
        for (const [, place] of places) {
          // A prompt to what the store forgot begins without a history while the database is away (P-10).
          if (state === 'forgotten' && database !== 'up' && action === 'edit') continue;
          world.database = database;
          await check(world, action, given.at(place)!, state);
        }
        world.database = database;
        if (!(state === 'forgotten' && database !== 'up' && action === 'edit')) await check(world, action, 'nobody-said-this', state);
      }
    },
  );

  test(
    `B17 ${name}: stories of edits, second answers and deletions, whatever the store forgets between them`,
    { timeout: 120_000 },
    async () => {
      const step: fc.Arbitrary<Step> = fc.record({
        action: fc.constantFrom(...ACTIONS),
        place: fc.nat(230),
        database: fc.constantFrom(...DATABASES.slice(0, 2)),
      });
      await fc.assert(
        fc.asyncProperty(fc.constantFrom(...STATES.slice(1)), fc.array(step, { minLength: 2, maxLength: 6 }), async (state, steps) => {
          const world = await worldIn(store(), state);
          for (const { action, place, database } of steps) {
            // By a gateway of its own: what one has heard of an outage is not what is tested here.
            world.database = database;
            const ids = [...world.all.keys()];
            await check(world, action, ids[place % ids.length]!, state);
          }
        }),
        { numRuns, examples: [['brought back', QUESTION_JUST_GONE]] },
      );
    },
  );

  test(`B17 ${name}: the words of a deleted first message leave the title, also when only the database has it`, async () => {
    for (const state of STATES) {
      const world = await worldIn(store(), state);
      await check(world, 'delete', [...world.all.keys()][0]!, state);
      expect([state, await world.title()]).toEqual([state, '']);
    }
  });
};
