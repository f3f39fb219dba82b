import { PART_FIELDS, splitIncomplete, type PartField } from '@runnel/protocol';

/** Of parts' fields, a high surrogate whose other half has not come yet: providers cut their deltas anywhere. */
export class Halves {
  readonly #halves = new Map<string, string>();

  /** What of a delta is whole now. */
  take(partId: string, field: PartField, text: string): string {
    const key = `${partId} ${field}`;
    const { whole, rest } = splitIncomplete((this.#halves.get(key) ?? '') + text);
    this.#halves.set(key, rest);
    return whole.toWellFormed();
  }

  /** Nothing more comes: half a character that was never completed is what it is, U+FFFD. */
  end(partId: string): { kind: 'chunk'; partId: string; field: PartField; text: string }[] {
    return PART_FIELDS.flatMap((field) => {
      const key = `${partId} ${field}`;
      const half = this.#halves.get(key) ?? '';
      this.#halves.delete(key);
      return half === '' ? [] : [{ kind: 'chunk' as const, partId, field, text: '\uFFFD' }];
    });
  }
}
