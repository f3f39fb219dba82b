import type { ConnectionState } from '@runnel/client';
import { describe, expect, test } from 'vitest';
import { badgeOf } from './badge.ts';

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
const NOW = 100_000;

describe('the badge tells the truth', () => {
  test('counts down to the next try, and says when it is trying', () => {
    const waiting = connection({ status: 'reconnecting', retryAt: 102_400 });
    expect(badgeOf(waiting, NOW)).toEqual({ tone: 'wait', key: 'reconnectingIn', values: { seconds: 3 } });
    expect(badgeOf(waiting, 102_400).key).toBe('reconnecting');
    expect(badgeOf(connection({ status: 'reconnecting' }), NOW).key).toBe('reconnecting');
  });

  test.each(['connecting', 'offline', 'refused', 'draining', 'live'] as const)('%s is said as it is', (status) => {
    expect(badgeOf(connection({ status }), NOW).key).toBe(status);
  });
});
