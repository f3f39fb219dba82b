import type { Delta } from '../provider.ts';

/** Of one thought with its signature; a longer one is not kept, and the answer goes on without. */
const MOST_CHARS = 4 * 1024 * 1024;
/** Says nothing: a sign of life. */
const ALIVE: readonly Delta[] = [{ text: '' }];

/** Anthropic's thoughts as they come in pieces: each, once it is whole, as it wants it back. */
export class SignedThoughts {
  #open: { thinking: string; signature: string } | { data: string } | null = null;

  begin({ type, data }: { type?: string; data?: unknown } = {}): void {
    if (type === 'thinking') this.#open = { thinking: '', signature: '' };
    else this.#open = type === 'redacted_thinking' && typeof data === 'string' ? { data } : null;
  }

  grow({ thinking, signature }: { thinking?: unknown; signature?: unknown } = {}): void {
    if (this.#open === null || 'data' in this.#open) return;
    if (typeof thinking === 'string') this.#open.thinking += thinking;
    if (typeof signature === 'string') this.#open.signature += signature;
    if (this.#open.thinking.length + this.#open.signature.length > MOST_CHARS) this.#open = null;
  }

  /** One without a signature is of a server that only looks like Anthropic's: it is not sent back. */
  end(): readonly Delta[] {
    const whole = this.#open;
    this.#open = null;
    if (whole === null) return ALIVE;
    if ('data' in whole) return [{ signed: { type: 'redacted_thinking', ...whole } }];
    return whole.signature === '' ? ALIVE : [{ signed: { type: 'thinking', ...whole } }];
  }
}
