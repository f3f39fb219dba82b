import { readForm, type FormAnswer } from './forms.ts';
import type { Call } from '../tools/toolbox.ts';

/** How long a server may keep one call open for a person to answer. */
export const MOST_ASK_MS = 600_000;
const NOBODY: FormAnswer = { action: 'cancel' };

/** A question in the middle of a call that stays open. Never rejects: who cannot be asked has not answered. */
export const askOpen = async ({ ask }: Pick<Call, 'ask'>, params: unknown): Promise<FormAnswer> => {
  const form = ask && readForm('', params);
  return form ? ask(form).catch(() => NOBODY) : NOBODY;
};

/** What people said to an earlier attempt, as the protocol of 2026-07-28 wants it. Pure. */
export const saidOf = ({ said }: Pick<Call, 'said'>) =>
  said && {
    inputResponses: { ...said.responses },
    ...(said.state !== undefined && { requestState: said.state }),
  };

/** A deadline that stands still while a person is asked. */
export const createDeadline = (ms: number, onLate: () => void) => {
  let leftMs = ms;
  let asking = 0;
  let isOver = false;
  let startedAt = performance.now();
  let timer: NodeJS.Timeout | undefined = setTimeout(onLate, ms);
  return {
    clear(): void {
      isOver = true;
      clearTimeout(timer);
    },
    async pausedFor<T>(wait: () => Promise<T>): Promise<T> {
      if (asking++ === 0) {
        clearTimeout(timer);
        leftMs -= performance.now() - startedAt;
      }
      try {
        return await wait();
      } finally {
        if (--asking === 0 && !isOver) {
          startedAt = performance.now();
          timer = setTimeout(onLate, Math.max(0, leftMs));
        }
      }
    },
  };
};
