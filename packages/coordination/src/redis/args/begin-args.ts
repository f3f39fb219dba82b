import { newId } from '@runnel/protocol';
import { forkedMessages, ownFields, toLuaJson } from '../../messages.ts';
import { filesOf } from '../../parts.ts';
import type { BeginRun, ForkConversation } from '../../run-log/run-log.ts';
import type { ScriptArgs } from './script-args.ts';

/** The parent as an argument of `begin-run`: `*` is the newest leaf, empty is a root. */
const parentOf = ({ parentId }: BeginRun): string => (parentId === undefined ? '*' : (parentId ?? ''));

/** What `begin-run` is given for a command. Pure but for the name of a log. */
export const beginArgs = (command: BeginRun, cap: number): ScriptArgs['begin-run'] => {
  const { userId, model, message, title, seed = [], trace = '', making = 'proven', request = '' } = command;
  const { room = '' as const, continues = '', preset = false, blind = false, thread = [] } = command;
  const files = filesOf(message ?? {});
  return {
    userId,
    model,
    messageId: message?.messageId ?? '',
    prompt: message?.text ?? '',
    parent: parentOf(command),
    title,
    // A lone surrogate would be escaped, and Lua's JSON refuses it; everywhere else UTF-8 has mended it by then.
    seed: JSON.stringify(seed.map((turn) => [turn.messageId, turn.role, turn.text.toWellFormed()])),
    logId: newId(),
    trace,
    cap,
    making: making === 'no' ? '' : making,
    room,
    continues,
    preset: preset ? '1' : '',
    files: files.length === 0 ? '' : toLuaJson(files.map(({ part }) => part)),
    facts: toLuaJson(files.map(({ facts }) => JSON.stringify(facts))),
    blind: blind ? '1' : '',
    thread: thread === 'ask' ? '' : JSON.stringify(thread.map((turn) => [turn.messageId, toLuaJson(ownFields(turn))])),
    request,
  };
};

/** What `fork-conversation` is given for a command. Pure but for the name of a log. */
export const forkArgs = (command: ForkConversation, cap: number): ScriptArgs['fork-conversation'] => {
  const { userId, title, from, messages, making = 'proven', system = '', model = '' } = command;
  const branch = forkedMessages(messages).map(({ message, madeRun, told, facts }) => {
    const { messageId } = message;
    return [messageId, toLuaJson(message), madeRun, toLuaJson(told), facts.map((fact) => toLuaJson(fact))];
  });
  return {
    userId,
    title,
    logId: newId(),
    source: JSON.stringify({ conversationId: from.conversationId, messageId: from.messageId }),
    messages: toLuaJson(branch),
    cap,
    system,
    model,
    making: making === 'no' ? '' : making,
  };
};
