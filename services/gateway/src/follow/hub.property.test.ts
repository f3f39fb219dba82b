import { expect, test } from 'vitest';
import fc from 'fast-check';
import { Screen } from '../../testing/screen.ts';
import { C, fakeClock, makeHub } from '../../testing/test-hub.ts';

test('P-1 whatever the channel loses and whenever readers come, each sees every byte once and in order', async () => {
  fakeClock();
  const step = fc.oneof(
    { weight: 6, arbitrary: fc.constant('say') },
    { weight: 2, arbitrary: fc.constant('follow') },
    { weight: 1, arbitrary: fc.constantFrom('leave', 'resume', 'die', 'heal', 'wait', 'slow-read') },
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), fc.array(fc.nat(9), { minLength: 1 }), async (steps, luck) => {
      const { log, hub, owner, begin, pass } = makeHub();
      let draw = 0;
      log.loses = () => luck[draw++ % luck.length]! === 0;
      await begin();
      const readers: { screen: Screen; handle: { close(): void } | null }[] = [];
      const open = (screen: Screen) => {
        const { logId, offset } = screen.state;
        return hub.follow({ conversationId: C, userId: 'ann', cursor: logId === null ? null : { logId, offset }, sink: screen });
      };
      let said = '';
      for (const [index, what] of steps.entries()) {
        if (what === 'say') {
          said += `w${index} `;
          await owner.say('r1', `w${index} `);
        } else if (what === 'follow') {
          const screen = new Screen(C);
          readers.push({ screen, handle: open(screen) });
        } else if (what === 'leave') {
          const reader = readers[index % Math.max(1, readers.length)];
          reader?.handle?.close();
          if (reader) reader.handle = null;
        } else if (what === 'resume') {
          for (const reader of readers) reader.handle ??= open(reader.screen);
        } else if (what === 'die') log.channel = 'dead';
        else if (what === 'heal') log.heal();
        else if (what === 'slow-read') log.beforeRead = () => new Promise((resolve) => setTimeout(resolve, 30));
        await pass(what === 'wait' ? 1500 : 5);
      }
      for (const reader of readers) reader.handle ??= open(reader.screen);
      await owner.end('r1');
      await pass(3000);
      for (const { screen } of readers)
        expect(screen.state).toMatchObject({ run: null, messages: [{}, { messageId: 'r1', text: said, status: 'complete' }] });
      await hub.close();
    }),
    { numRuns: 200 },
  );
});
