import { sha256Hex, utf8Length, type Receipt } from '@runnel/protocol';

/** Whether a text is the one a receipt speaks of. */
export type Proof = 'same' | 'other';

export const proofOf = async (text: string, { sha256, bytes }: Pick<Receipt, 'sha256' | 'bytes'>): Promise<Proof> =>
  utf8Length(text) === bytes && (await sha256Hex(text)) === sha256 ? 'same' : 'other';

/**
 * A text that somebody pasted: clipboards write line ends their own way and leave blanks at its ends, so those forms of it count, too.
 * Nothing else does.
 */
export const pastedProof = async (text: string, receipt: Pick<Receipt, 'sha256' | 'bytes'>): Promise<Proof> => {
  const lines = text.replaceAll('\r\n', '\n');
  for (const form of new Set([text, lines, lines.trim(), `${lines.trim()}\n`])) {
    if ((await proofOf(form, receipt)) === 'same') return 'same';
  }
  return 'other';
};

/** What an answer cost, in the currency of its model's price; null where one of both is not known. Pure. */
export const costOf = (usage: Receipt['usage'], price: { input: number; output: number } | undefined): number | null =>
  usage && price ? (usage.promptTokens * price.input + usage.completionTokens * price.output) / 1_000_000 : null;
