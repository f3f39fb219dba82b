import { fitThread, tokensOf } from '@runnel/protocol';
import type { Claim } from './generate.ts';
import type { ModelMessage } from '../models/provider.ts';
import type { Model } from '../models/registry.ts';

/** What a model is asked that cannot go on behind a text of its own. */
const GO_ON = 'Your answer was cut off. Go on exactly where it ends, in its language and format; repeat nothing and say nothing about this.';

/**
 * What the model gets: its own system text and the conversation's, then as much of the thread as it has room for (`fitThread`, which
 * `run-started` was told by). A text that stands is its prefix; a model that cannot continue one is asked to, in a turn of its own. Pure.
 */
export const threadOf = (claim: Claim, { system, info, provider }: Model): { messages: ModelMessage[]; prefix: string } => {
  const own = [system, claim.system].flatMap((text) => (text ? [{ role: 'system' as const, text }] : []));
  const room = info.promptTokens === undefined ? undefined : info.promptTokens - tokensOf(claim.system ?? '');
  const said =
    room === undefined ? claim.messages.filter(({ status, text }) => status !== 'deleted' && text !== '') : fitThread(claim.messages, room).kept;
  const messages = [...own, ...said.map(({ role, text }) => ({ role, text }))];
  if (claim.text === '' || provider.canContinue) return { messages, prefix: claim.text };
  return { messages: [...messages, { role: 'assistant', text: claim.text }, { role: 'user', text: GO_ON }], prefix: '' };
};
