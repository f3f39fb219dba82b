import { expect, test } from 'vitest';
import { endsWhole } from './everything.ts';

const END = '{"type":"end","conversations":1,"messages":2,"files":0,"keys":0}';

test.each([
  [`{"type":"export"}\n${END}\n`, true],
  // The beginning of the tail is in the middle of a line.
  [`rsation","title":"x"}\n${END}\n`, true],
  [`{"type":"export"}\n${END}`, false],
  [`{"type":"export"}\n${END.slice(0, -1)}`, false],
  ['{"type":"message","message":{"text":"{\\"type\\":\\"end\\"}"}}\n', false],
  ['null\n', false],
  ['', false],
])('%j ends whole: %s', (tail, whole) => expect(endsWhole(tail)).toBe(whole));
