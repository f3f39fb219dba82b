import { CLOSE, type WelcomeEvent } from '@runnel/protocol';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  createMachine,
  STABLE_MS,
  step,
  type Effect,
  type Env,
  type Input,
  type Machine,
  type TransportChoice,
} from './connection-state.ts';

const welcome: Input = {
  kind: 'welcome',
  event: {
    type: 'welcome',
    protocol: 1,
    node: 'gw-1',
    userId: 'u1',
    heartbeatMs: 20_000,
    limits: { textChars: 1, frameBytes: 1, promptsPerMinute: 1 },
  } satisfies WelcomeEvent,
};
const closed = (code: number): Input => ({ kind: 'closed', code });

/** A machine with its own clock, and a log of what it asked for. */
const life = (choice: TransportChoice = 'auto', random = 0.5) => {
  const env: Env & { now: number } = { now: 0, random: () => random };
  let machine: Machine = createMachine(choice, 0);
  let effects: Effect[] = [];
  return {
    get view() {
      return machine.view;
    },
    get machine() {
      return machine;
    },
    get effects() {
      return effects;
    },
    at(now: number) {
      env.now = now;
      return this;
    },
    put(...inputs: Input[]) {
      for (const input of inputs) [machine, effects] = step(machine, input, env);
      return this;
    },
  };
};

describe('close codes', () => {
  test('4000–4499 and everything a network does come back, with a jittered wait', () => {
    for (const code of [1000, 1001, 1005, 1006, 1011, 1012, 4000, 4001, 4002, 4003, 4400]) {
      const l = life().put({ kind: 'start' }, welcome).at(10_000).put(closed(code));
      expect(l.view.status).toBe('reconnecting');
      expect(l.effects).toEqual([{ do: 'wait', ms: 125 }]);
    }
  });

  test('4500–4999 do not, whatever the network does afterwards', () => {
    for (const code of [4500, 4501, 4502, 4503, 4504, 4505, 1009]) {
      const l = life().put({ kind: 'start' }, closed(code));
      expect(l.view.status).toBe('refused');
      expect(l.view.error).not.toBeNull();
      expect(l.put({ kind: 'online' }, { kind: 'visible' }, { kind: 'due' }, closed(1006)).effects).toEqual([]);
    }
  });

  test('a refused client tries again when its user asks', () => {
    expect(life().put({ kind: 'start' }, closed(CLOSE.rate), { kind: 'start' }).effects).toEqual([{ do: 'connect', transport: 'ws' }]);
  });

  test('W-2 each expiry has its one try: a proxy that renews its token every hour lets the page live for days', () => {
    const l = life().put({ kind: 'start' }, welcome);
    for (let hour = 1; hour <= 3; hour++) {
      l.at(hour * 3_600_000).put(closed(CLOSE.auth));
      expect(l.view.status).toBe('reconnecting');
      l.put({ kind: 'due' }, welcome);
      expect(l.view.status).toBe('live');
    }
    l.put(closed(CLOSE.auth));
    expect(l.view.status).toBe('refused');
  });

  test('W-2 4503 after it was accepted means an expiry that was slept through: a fresh token is tried, once', () => {
    const l = life().put({ kind: 'start' }, welcome, closed(CLOSE.auth));
    expect(l.view.status).toBe('reconnecting');
    expect(l.put({ kind: 'due' }, closed(CLOSE.auth)).view.status).toBe('refused');
  });
});

describe('coming back', () => {
  test('the wait doubles with each failure, up to 30 s, and a stable connection starts anew', () => {
    const l = life('ws').put({ kind: 'start' });
    const waits: number[] = [];
    for (let i = 0; i < 10; i++) {
      l.put(closed(1006));
      waits.push((l.effects[0] as { ms: number }).ms);
      l.put({ kind: 'due' });
    }
    expect(waits).toEqual([125, 250, 500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000, 15_000]);
    l.put(welcome).at(STABLE_MS).put(closed(1006));
    expect(l.effects).toEqual([{ do: 'wait', ms: 125 }]);
  });

  test('P-8 a gateway that accepts and drops at once is not hammered', () => {
    const l = life('ws').put({ kind: 'start' });
    for (let i = 0; i < 5; i++) l.put(welcome, closed(1006), { kind: 'due' });
    l.put(welcome, closed(1006));
    expect(l.effects).toEqual([{ do: 'wait', ms: 4_000 }]);
  });

  test('a network that lets connections live for seconds does not drive the wait up', () => {
    const l = life('ws').put({ kind: 'start' });
    for (let i = 0; i < 6; i++) l.put(closed(1006), { kind: 'due' });
    for (let i = 1; i <= 8; i++)
      l.put(welcome)
        .at(i * 1_500)
        .put(closed(1006), { kind: 'due' });
    l.put(welcome)
      .at(8 * 1_500 + 1_000)
      .put(closed(1006));
    expect(l.view.attempt).toBe(1);
    expect(l.effects).toEqual([{ do: 'wait', ms: 125 }]);
  });

  test('`online` and a visible page end the wait at once', () => {
    for (const kind of ['online', 'visible'] as const) {
      expect(life('ws').put({ kind: 'start' }, closed(1006), { kind }).effects).toEqual([{ do: 'connect', transport: 'ws' }]);
    }
  });

  test('they make a live connection prove itself', () => {
    for (const kind of ['online', 'visible', 'offline'] as const)
      expect(life().put({ kind: 'start' }, welcome, { kind }).effects).toEqual([{ do: 'probe' }]);
  });

  test('without a network it says so, and goes on trying: devices err', () => {
    const l = life().put({ kind: 'start' }, closed(1006), { kind: 'offline' });
    expect(l.view.status).toBe('offline');
    expect(l.put({ kind: 'due' }).effects[0]).toMatchObject({ do: 'connect' });
    expect(l.put(closed(1006)).view.status).toBe('offline');
    expect(l.put({ kind: 'online' }).view.status).toBe('reconnecting');
  });

  test('4003 waits as long as the server asked, jittered beyond it', () => {
    const notice: Input = { kind: 'notice', problem: { code: 'overloaded', message: '', retryable: true, retryAfterMs: 3_000 } };
    const l = life().put({ kind: 'start' }, welcome, notice, closed(CLOSE.overloaded));
    expect(l.effects).toEqual([{ do: 'wait', ms: 3_125 }]);
    expect(l.put({ kind: 'visible' }).effects).toEqual([]);
    expect(l.at(3_000).put({ kind: 'visible' }).effects).toHaveLength(1);
  });
});

describe('draining', () => {
  const draining: Input = { kind: 'draining', reconnectInMs: 2_000 };

  test('it stays in use and moves after `reconnectInMs`, without backoff', () => {
    const l = life().put({ kind: 'start' }, welcome, draining);
    expect(l.view).toMatchObject({ status: 'draining', retryAt: 2_000 });
    expect(l.effects).toEqual([{ do: 'wait', ms: 2_000 }]);
    expect(l.at(2_000).put({ kind: 'due' }).effects).toEqual([{ do: 'drop' }, { do: 'connect', transport: 'ws' }]);
    expect(l.put(welcome).view.status).toBe('live');
  });

  test('closed earlier, it waits for the rest of the time', () => {
    const l = life().put({ kind: 'start' }, welcome, draining).at(500).put(closed(CLOSE.draining));
    expect(l.effects).toEqual([{ do: 'wait', ms: 1_500 }]);
  });
});

describe('transports', () => {
  test('`auto` tries SSE after two tries by WebSocket that got nowhere, and then stays with what works', () => {
    const l = life().put({ kind: 'start' }, closed(1006), { kind: 'due' }, closed(1006), { kind: 'due' });
    expect(l.effects).toEqual([{ do: 'connect', transport: 'sse' }]);
    l.put(welcome).at(60_000).put(closed(1006), { kind: 'due' });
    expect(l.effects).toEqual([{ do: 'connect', transport: 'sse' }]);
  });

  test('where WebSockets have worked before, it goes back to them', () => {
    const l = life().put({ kind: 'start' }, welcome, closed(1006), { kind: 'due' }, closed(1006), { kind: 'due' }, closed(1006), {
      kind: 'due',
    });
    expect(l.view.transport).toBe('sse');
    l.put(welcome).at(60_000).put(closed(1006), { kind: 'due' });
    expect(l.view.transport).toBe('ws');
  });

  test('while nothing answers, the two take turns', () => {
    const l = life().put({ kind: 'start' });
    const tried: string[] = [];
    for (let i = 0; i < 6; i++) {
      tried.push(l.view.transport);
      l.put(closed(1006), { kind: 'due' });
    }
    expect(tried).toEqual(['ws', 'ws', 'sse', 'ws', 'sse', 'ws']);
  });

  test('a named transport is the only one', () => {
    for (const choice of ['ws', 'sse'] as const) {
      const l = life(choice).put({ kind: 'start' });
      for (let i = 0; i < 5; i++) expect(l.put(closed(1006), { kind: 'due' }).view.transport).toBe(choice);
    }
  });
});

test('W-2 a token about to expire is renewed on the same connection', () => {
  const expiring: Input = { kind: 'notice', problem: { code: 'token-expired', message: '', retryable: false } };
  const l = life().put({ kind: 'start' }, welcome, expiring);
  expect(l.effects).toEqual([{ do: 'reauthenticate' }]);
  expect(l.put(welcome).view.status).toBe('live');
});

test('after any history it either is up, tries, has a wait armed, or was told to stop', () => {
  const input: fc.Arbitrary<Input> = fc.oneof(
    fc.constantFrom<Input>({ kind: 'start' }, welcome, { kind: 'due' }, { kind: 'online' }, { kind: 'offline' }, { kind: 'visible' }),
    fc.record({ kind: fc.constant('draining' as const), reconnectInMs: fc.nat(5_000) }),
    fc.constantFrom(1006, 1001, 4000, 4001, 4003).map(closed),
  );
  fc.assert(
    fc.property(fc.array(input, { maxLength: 40 }), (inputs) => {
      const l = life('auto', 0.9).put({ kind: 'start' });
      let armed = false;
      let time = 0;
      for (const next of inputs) {
        l.at((time += 100)).put(next);
        if (next.kind === 'due') armed = false;
        for (const effect of l.effects) armed = effect.do === 'wait' || (armed && effect.do !== 'connect');
        expect(l.machine.phase === 'waiting' ? armed : true).toBe(true);
        expect(['trying', 'up', 'waiting']).toContain(l.machine.phase);
      }
    }),
  );
});
