import { traceIdOf, type Logger } from '@runnel/kit';
import { toRunnelError } from '@runnel/protocol';
import type { Caller } from '../auth/identity.ts';
import type { Commands } from './commands.ts';

/** Ids that a command may name; nothing else of it is written. */
const IDS = ['conversationId', 'messageId', 'runId'] as const;
/** Said at every key that somebody presses. */
const NOISE: ReadonlySet<string> = new Set(['typing', 'worthWaiting']);

const idsOf = (from: unknown): Record<string, string> => {
  const given = (typeof from === 'object' && from !== null ? from : {}) as Record<string, unknown>;
  return Object.fromEntries(IDS.flatMap((id) => (typeof given[id] === 'string' ? [[id, given[id]]] : [])));
};

/** The same commands, each with one line: who, which ids, with what outcome, in how long. Never what anybody wrote. */
export const withAccessLog = <C extends Commands>(commands: C, log: Logger): C =>
  new Proxy(commands, {
    get(target, name, receiver) {
      const method: unknown = Reflect.get(target, name, receiver);
      if (typeof method !== 'function' || typeof name !== 'string' || method.length < 2 || NOISE.has(name)) return method;
      return async (caller: Caller, command: unknown): Promise<unknown> => {
        const begun = performance.now();
        const say = (outcome: string, answer?: unknown): void => {
          const trace = traceIdOf(caller.trace);
          const ms = Math.round(performance.now() - begun);
          const ids = { ...idsOf(command), ...idsOf(answer) };
          log.info({
            event: 'command.answered',
            command: name,
            outcome,
            ms,
            userId: caller.userId,
            ...ids,
            ...(trace && { trace_id: trace }),
          });
        };
        try {
          const answer: unknown = await (method as (...args: unknown[]) => Promise<unknown>).call(target, caller, command);
          say('ok', answer);
          return answer;
        } catch (error) {
          say(toRunnelError(error).code);
          throw error;
        }
      };
    },
  });
