import { describe, expect, test } from 'vitest';
import { mendOpenBlock } from './close-open-marks.ts';

describe('the block being written', () => {
  test.each([
    ['an **important', 'an **important**'],
    ['an **important*', 'an **important**'],
    ['an *old', 'an *old*'],
    ['an **', 'an'],
    ['call `run(', 'call `run(`'],
    ['`a` and `b', '`a` and `b`'],
    ['`2 ** 3', '`2 ** 3`'],
    ['see [the docs](https://exam', 'see the docs'],
    ['see ![a spring](https://exam', 'see a spring'],
    ['done **x** and *y*', 'done **x** and *y*'],
    ['2 * 3 = 6', '2 * 3 = 6'],
    ['one **two** three', 'one **two** three'],
  ])('%j looks like %j', (source, shown) => expect(mendOpenBlock(source)).toBe(shown));

  test('a line that has just begun is no heading and no empty item yet', () => {
    expect(mendOpenBlock('A line\n-')).toBe('A line');
    expect(mendOpenBlock('A line\n==')).toBe('A line');
    expect(mendOpenBlock('- one\n- two\n3')).toBe('- one\n- two');
  });

  test('a table is a table from its first word', () => {
    expect(mendOpenBlock('| Na')).toBe('| Na|\n| --- |');
    expect(mendOpenBlock('| Name | Age |\n| -')).toBe('| Name | Age |\n| --- | --- |');
    expect(mendOpenBlock('| a | b |\n|---|---|\n| **x')).toContain('**x**');
  });

  test('code stays as it is', () => {
    const code = '```js\nconst a = b ** c; // see [x](';
    expect(mendOpenBlock(code)).toBe(code);
  });

  test('only the last paragraph counts', () => {
    expect(mendOpenBlock('- a ** b\n\n  and **c')).toBe('- a ** b\n\n  and **c**');
  });
});
