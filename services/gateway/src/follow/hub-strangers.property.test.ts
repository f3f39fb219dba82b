import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Follow, Sink } from './follower.ts';
import type { Outgoing } from './wire-event.ts';
import { C, fakeClock, makeHub, startHub } from '../../testing/test-hub.ts';

const PEOPLE = ['ann', 'bob', 'eve'] as const;
type Person = (typeof PEOPLE)[number];
const DAY_MS = 86_400_000;

/** Keeps everything that one person is sent, as text. */
class Ear implements Sink {
  readonly person: Person;
  heard = '';
  refused = false;
  constructor(person: Person) {
    this.person = person;
  }
  opened(): void {}
  send({ bytes }: Outgoing): void {
    this.heard += bytes.toString();
  }
  failed(): void {
    this.refused = true;
  }
  /** Whose words were heard that are not this person's. */
  get secrets(): string[] {
    return PEOPLE.filter((person) => person !== this.person && this.heard.includes(`secret-of-${person}`));
  }
}

test('S-3 who follows an id before its owner makes it is refused at its birth, and hears no typing either', async () => {
  const { hub, log, owner, begin, pass } = startHub();
  const ear = new Ear('bob');
  hub.follow({ conversationId: C, userId: 'bob', cursor: null, sink: ear });
  await pass();
  expect(hub.isFollowedBy(C, 'bob')).toBe(false);
  await log.publishHint(C, JSON.stringify({ type: 'typing', conversationId: C, userId: 'ann', active: true }));
  await pass();
  expect(ear.heard).not.toContain('typing');
  await begin();
  await owner.say('r1', 'secret-of-ann');
  await pass();
  expect(ear).toMatchObject({ refused: true, secrets: [] });
  expect(ear.heard).not.toContain('run-started');
});

test('S-3 whoever follows an id whenever, in whatever life of it, hears nobody else', async () => {
  fakeClock();
  const person = fc.constantFrom(...PEOPLE);
  const step = fc.oneof(
    { weight: 4, arbitrary: fc.record({ what: fc.constant('follow' as const), who: person, offset: fc.option(fc.nat(4)) }) },
    { weight: 4, arbitrary: fc.record({ what: fc.constant('prompt' as const), who: person }) },
    { weight: 5, arbitrary: fc.record({ what: fc.constant('say' as const) }) },
    { weight: 2, arbitrary: fc.record({ what: fc.constant('delete' as const), who: person }) },
    { weight: 1, arbitrary: fc.record({ what: fc.constantFrom('forget', 'die', 'heal', 'cut', 'slow', 'fast', 'wait') }) },
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 40 }), fc.array(fc.nat(9), { minLength: 1 }), async (steps, luck) => {
      let ahead = 0;
      const { hub, log, owner, pass } = makeHub(() => Date.now() + ahead);
      let draw = 0;
      log.loses = () => luck[draw++ % luck.length]! === 0;
      const ears: Ear[] = [];
      const follows: Follow[] = [];
      let running: { runId: string; who: Person } | null = null;
      for (const [index, at] of steps.entries()) {
        const runId = `r${index}`;
        if (at.what === 'follow' && 'who' in at) {
          const ear = new Ear(at.who);
          ears.push(ear);
          // A cursor is the client's word: a stranger may know the log's name.
          const { beforeRead } = log;
          log.beforeRead = () => {};
          const state = await log.readState({ conversationId: C });
          log.beforeRead = beforeRead;
          const cursor = 'offset' in at && at.offset !== null && 'logId' in state ? { logId: state.logId, offset: at.offset } : null;
          follows.push(hub.follow({ conversationId: C, userId: at.who, cursor, sink: ear }));
        } else if (at.what === 'prompt' && 'who' in at) {
          const words = `secret-of-${at.who}`;
          const message = { messageId: `m${index}`, text: words };
          const command = { conversationId: C, userId: at.who, runId, model: 'default', message, title: words };
          if ((await log.beginRun(command)).outcome === 'started') {
            running = { runId, who: at.who };
            await owner.claim({ conversationId: C, runId });
          }
        } else if (at.what === 'say' && running) await owner.say(running.runId, `secret-of-${running.who} `);
        else if (at.what === 'delete' && 'who' in at) await log.deleteConversation({ conversationId: C, userId: at.who });
        else if (at.what === 'forget') ahead += 31 * DAY_MS;
        else if (at.what === 'die') log.channel = 'dead';
        else if (at.what === 'cut') log.cut();
        else if (at.what === 'heal') log.heal();
        else if (at.what === 'slow') log.beforeRead = () => new Promise((resolve) => setTimeout(resolve, 30));
        else if (at.what === 'fast') log.beforeRead = () => {};
        await pass(at.what === 'wait' ? 1500 : 5);
      }
      await pass(600);
      for (const { person: who, secrets } of ears) expect({ who, secrets }).toEqual({ who, secrets: [] });
      await hub.close();
    }),
    { numRuns: 200 },
  );
});
