const MOST = 300;
/** What looks like a key: `sk-…`, `Bearer …`, and long runs without a blank that hold a digit. */
const KEYS = /\b(?:sk|pk|key)-[\w-]{6,}|\bbearer\s+\S+|\b(?=[\w-]*\d)[\w-]{24,}\b/gi;
/** A shared run of so many characters is a quotation. */
const QUOTED = 16;

/** What a provider said of its failure, fit for the log. */
export class ProviderFault extends Error {
  readonly status: number | undefined;

  constructor(words: string, status: number | undefined) {
    super(words);
    this.name = 'ProviderFault';
    this.status = status;
  }
}

/**
 * A provider's words without keys and without the prompt, which some quote; cut. Prompts are compared in steps, so that a quotation of
 * `1.5 * QUOTED` characters is always found. Pure.
 */
export const scrub = (words: string, secrets: readonly string[], prompts: readonly string[]): string => {
  let clean = words.slice(0, MOST * 4);
  for (const secret of secrets) if (secret.length > 3) clean = clean.replaceAll(secret, '***');
  for (const prompt of prompts) {
    const short = prompt.trim();
    if (short.length > 2 && short.length < QUOTED * 2) clean = clean.replaceAll(short, '…');
  }
  for (let at = 0; at + QUOTED <= clean.length; at += QUOTED / 2) {
    const part = clean.slice(at, at + QUOTED);
    if (prompts.some((prompt) => prompt.includes(part))) return '(quotes the prompt)';
  }
  return clean.replace(KEYS, '***').replaceAll(/\s+/g, ' ').trim().slice(0, MOST);
};

/** The message of an error body: `{"error": {"message": …}}`, `{"message": …}`, or the beginning of what is no JSON. Pure. */
export const wordsOf = (body: unknown): string => {
  if (typeof body === 'string') {
    try {
      return wordsOf(JSON.parse(body));
    } catch {
      return body;
    }
  }
  if (typeof body !== 'object' || body === null) return '';
  const { error, message, code } = body as { error?: unknown; message?: unknown; code?: unknown };
  if (error !== undefined) return typeof error === 'string' ? error : wordsOf(error);
  return [code, message].filter((part) => typeof part === 'string' || typeof part === 'number').join(': ');
};
