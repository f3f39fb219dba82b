import type { Account, ApiKey, SessionInfo } from '@runnel/client';

const DAY = 86_400_000;

/** Keys and sessions that a test may look at and change. */
export const createFakeAccount = (calls: string[]): Account => {
  const now = Date.now();
  const keys: ApiKey[] = [
    {
      id: 'k1',
      name: 'Nightly report',
      prefix: 'rk_7Hq2Zb',
      scopes: ['chat', 'read'],
      createdAt: now - 9 * DAY,
      usedAt: now - DAY,
      expiresAt: null,
    },
    { id: 'k2', name: 'Dashboard', prefix: 'rk_Pw81mC', scopes: ['read'], createdAt: now - DAY, usedAt: null, expiresAt: now + 89 * DAY },
  ];
  const session = (id: string, device: string, ageDays: number, current = false): SessionInfo => ({
    ...{ id, device, role: 'user', current, createdAt: now - ageDays * DAY, usedAt: now - ageDays * 60_000, expiresAt: now + 7 * DAY },
  });
  let sessions = [
    session('s1', 'Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Mobile/15E148 Safari/604.1', 6),
    session('s2', 'Mozilla/5.0 (X11; Linux x86_64) Chrome/141.0.0.0 Safari/537.36', 2, true),
  ];
  return {
    keys: async () => ({ keys: [...keys], limit: 20 }),
    async makeKey({ name, scopes, expiresAt }) {
      calls.push(`makeKey ${name} ${scopes.join('+')} ${expiresAt === undefined ? 'lasts' : 'ends'}`);
      const made = { id: 'k3', name, prefix: 'rk_abc123', scopes, createdAt: now, usedAt: null, expiresAt: expiresAt ?? null };
      keys.push(made);
      return { ...made, key: `rk_abc123${'x'.repeat(40)}` };
    },
    async endKey(id) {
      calls.push(`endKey ${id}`);
      keys.splice(
        keys.findIndex((key) => key.id === id),
        1,
      );
    },
    sessions: async () => [...sessions],
    async endSession(id) {
      calls.push(`endSession ${id}`);
      sessions = sessions.filter((one) => one.id !== id);
    },
    async endOtherSessions() {
      calls.push('endOtherSessions');
      sessions = sessions.filter(({ current }) => current);
    },
  };
};
