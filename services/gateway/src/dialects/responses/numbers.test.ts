import fc from 'fast-check';
import { expect, test } from 'vitest';
import { BLANK, isProof, numberAt, numberBehind, placeOf, withText } from './numbers.ts';

/** At 0 and 1 nobody holds anything. */
const place = fc.integer({ min: 2, max: 2 ** 24 });
const tape = fc.nat({ max: 2 ** 32 - 1 });

test('P-6 numbers rise with their places, whatever was told, say the place, and have 31 bits', () => {
  fc.assert(
    fc.property(place, tape, tape, (at, one, other) => {
      const number = numberAt(at, one);
      expect(placeOf(number)).toBe(at);
      expect(numberAt(at + 1, other)).toBeGreaterThan(number);
      expect(number).toBeLessThan(2 ** 31);
      expect(isProof(number)).toBe(one !== BLANK);
    }),
  );
});

test('P-1 what differs has another number, nearly always: of short answers one in 65,536 is taken for the other', () => {
  const numbers = new Set(Array.from({ length: 2_000 }, (_, index) => numberAt(5, withText(BLANK, `${index}`))));
  // Of 65,536 chance leaves about 1,970.
  expect(numbers.size).toBeGreaterThan(1_900);
});

test('small numbers, huge ones and those below 0 are made up by people: they prove nothing', () => {
  const madeUp = fc.oneof(fc.integer({ min: -(2 ** 31), max: 2 ** 18 - 1 }), fc.integer({ min: 2 ** 31, max: 2 ** 50 }));
  fc.assert(fc.property(madeUp, (number) => !isProof(number)));
});

test('the number behind all others rises, and proves nothing true', () => {
  fc.assert(
    fc.property(place, tape, (at, held) => {
      const number = numberAt(at, held);
      expect(numberBehind(number)).toBeGreaterThan(number);
      expect(isProof(numberBehind(number))).toBe(true);
    }),
  );
});
