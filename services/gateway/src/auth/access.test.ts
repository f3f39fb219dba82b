import { expect, test } from 'vitest';
import { decide, mayHear, mustAskDatabase, type Question } from './access.ts';

const RUN_LOG = ['owner', 'stranger', 'unknown'] as const;
const DATABASE = ['owner', 'stranger', 'unknown', 'unanswered'] as const;
const all: Question[] = RUN_LOG.flatMap((runLog) =>
  DATABASE.flatMap((database) =>
    [true, false].flatMap((unproven) =>
      [true, false].map((makes) => ({ runLog, database, unproven: unproven && runLog !== 'unknown', makes })),
    ),
  ),
);

test('S-1 "somebody else’s" is never read as "unknown", and "not answered" never as either', () => {
  for (const question of all) {
    const { runLog, database, unproven, makes } = question;
    const verdict = decide(question);
    const name = JSON.stringify(question);
    const isProven = runLog !== 'unknown' && !unproven;
    // What stands proven is not asked for: the run log's word counts.
    if (isProven) expect(verdict, name).toBe(runLog === 'owner' ? 'store' : 'forbidden');
    else if (database === 'stranger') expect(verdict, name).toBe('forbidden');
    else if (database === 'owner') expect(verdict, name).toBe(runLog === 'stranger' ? 'expel' : 'bring-back');
    else if (runLog === 'stranger') expect(verdict, name).toBe('forbidden');
    else if (runLog === 'owner') expect(verdict, name).toBe('store');
    else if (!makes) expect(verdict, name).toBe('not-found');
    else expect(verdict, name).toBe(database === 'unknown' ? 'create' : 'create-unproven');
    expect(mustAskDatabase(question), name).toBe(!isProven);
  }
});

test('S-3 nobody hears a log that they have not read', () => {
  expect([mayHear('a', 'a'), mayHear('a', 'b'), mayHear(null, 'a'), mayHear('a', null), mayHear(null, null)]).toEqual([
    ...[true, false, false, false, false],
  ]);
});
