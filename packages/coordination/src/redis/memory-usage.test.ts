import { expect, test } from 'vitest';
import { fullestOf, readMemoryInfo, worstPolicyOf } from './memory-usage.ts';

test('INFO memory is read by whole names', () => {
  const info = '# Memory\r\nused_memory:1048576\r\nused_memory_peak:2097152\r\nmaxmemory:4194304\r\nmaxmemory_policy:noeviction\r\n';
  expect(readMemoryInfo(info)).toEqual({ usedBytes: 1_048_576, limitBytes: 4_194_304, policy: 'noeviction' });
  expect(readMemoryInfo('# Memory\r\nused_memory:7\r\nmaxmemory:0\r\n')).toEqual({ usedBytes: 7, limitBytes: 0 });
});

test('the master nearest its limit decides, not the one that holds most; without limits, that one', () => {
  const [roomy, near, unlimited] = [
    { usedBytes: 600, limitBytes: 1_000 },
    { usedBytes: 90, limitBytes: 100 },
    { usedBytes: 5_000, limitBytes: 0 },
  ];
  expect(fullestOf([roomy, near, unlimited])).toBe(near);
  expect(fullestOf([near, unlimited, roomy])).toBe(near);
  expect(fullestOf([{ usedBytes: 1, limitBytes: 0 }, unlimited])).toBe(unlimited);
});

test('B13 one master that evicts is the policy of all; one that does not tell leaves it open', () => {
  const node = (policy?: string) => readMemoryInfo(`maxmemory:0\r\n${policy === undefined ? '' : `maxmemory_policy:${policy}\r\n`}`);
  expect(worstPolicyOf([node('noeviction'), node('volatile-lru'), node()])).toBe('volatile-lru');
  expect(worstPolicyOf([node('noeviction'), node()])).toBeUndefined();
  expect(worstPolicyOf([node('noeviction'), node('noeviction')])).toBe('noeviction');
});
