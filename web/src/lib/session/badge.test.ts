import type { ConnectionState } from '@runnel/client';
import { describe, expect, test } from 'vitest';
import { badgeOf, NEWS_MS, type BadgeInput } from './badge.ts';

const connection = (change: Partial<ConnectionState>): ConnectionState => ({
  status: 'live',
  transport: 'ws',
  attempt: 0,
  node: 'gateway-1',
  userId: 'u',
  limits: null,
  error: null,
  since: 0,
  retryAt: null,
  ...change,
});
const input = (change: Partial<BadgeInput>): BadgeInput => ({
  connection: connection({}),
  lastResume: null,
  resumedAt: 0,
  provedAt: 0,
  now: 100_000,
  ...change,
});

describe('the badge tells the truth', () => {
  test('counts down to the next try, and says when it is trying', () => {
    const waiting = connection({ status: 'reconnecting', retryAt: 102_400 });
    expect(badgeOf(input({ connection: waiting }))).toEqual({ tone: 'wait', key: 'reconnectingIn', values: { seconds: 3 } });
    expect(badgeOf(input({ connection: waiting, now: 102_400 })).key).toBe('reconnecting');
    expect(badgeOf(input({ connection: connection({ status: 'reconnecting' }) })).key).toBe('reconnecting');
  });

  test.each(['connecting', 'offline', 'refused', 'draining'] as const)('%s is said as it is', (status) => {
    expect(badgeOf(input({ connection: connection({ status }), provedAt: 99_999 })).key).toBe(status);
  });

  test('a resume is news for a while: how much came, how fast', () => {
    const lastResume = { kind: 'tail', events: 12, ms: 8 } as const;
    expect(badgeOf(input({ lastResume, resumedAt: 99_000 }))).toMatchObject({ key: 'resumed', values: { events: 12, ms: 8 } });
    expect(badgeOf(input({ lastResume, resumedAt: 100_000 - NEWS_MS })).key).toBe('live');
    expect(badgeOf(input({ lastResume: { ...lastResume, kind: 'snapshot' }, resumedAt: 99_000 })).key).toBe('restored');
  });

  test('what was resumed is said before what was proved', () => {
    const both = input({ lastResume: { kind: 'tail', events: 3, ms: 2 }, resumedAt: 99_000, provedAt: 99_100 });
    expect(badgeOf(both).key).toBe('resumed');
    expect(badgeOf({ ...both, now: 103_000 }).key).toBe('verified');
  });

  test('so is a proof', () => {
    expect(badgeOf(input({ provedAt: 99_000 }))).toMatchObject({ tone: 'proof', key: 'verified' });
    expect(badgeOf(input({ provedAt: 90_000 })).key).toBe('live');
  });
});
