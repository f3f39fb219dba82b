import type { RedisClient } from './connect.ts';

/**
 * By how many seconds this machine's clock is ahead of Redis's (negative: behind), as good as half a round trip. Figures that begin in
 * one process and end in another compare two such clocks.
 */
export const clockOffset = async (client: Pick<RedisClient, 'time'>, now: () => number = Date.now): Promise<number> => {
  const asked = now();
  const [seconds, micros] = await client.time();
  const answered = now();
  return ((asked + answered) / 2 - (Number(seconds) * 1000 + Number(micros) / 1000)) / 1000;
};
