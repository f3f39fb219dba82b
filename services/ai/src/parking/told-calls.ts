import { callInner } from '@runnel/kit';
import type { Part } from '@runnel/protocol';
import type { CalledPart } from '@runnel/protocol/http';
import { FIRST_LOOK_MS, LAST_LOOK_MS, PATIENCE_MS, type StoredAnswer, type StoredWaitsOptions } from './stored-waits.ts';
import { systemClock } from '../runs/clock.ts';

/** A call that a person approved, as it stands in the log: it is about to be made. */
export interface Calling {
  conversationId: string;
  runId: string;
  userId: string;
  part: Part;
}
/** Resolves when the database knows that the call is being made, after two seconds without, or when the call is called off. Never rejects. */
export type TellCall = (calling: Calling, stop: AbortSignal) => Promise<StoredAnswer>;

/** Tells the audit service of a call before it is made, past the outbox: that may be lost together with whoever made the call (W-19). */
export const createTellCalls = (options: StoredWaitsOptions): TellCall => {
  const { token, onAnswer, clock = systemClock, fetch = globalThis.fetch } = options;
  const url = new URL('called', options.url.endsWith('/') ? options.url : `${options.url}/`);
  const tell = async ({ userId, ...called }: Calling, stop: AbortSignal, leftMs: number): Promise<StoredAnswer> => {
    const caller = { 'content-type': 'application/json', 'x-runnel-user': encodeURIComponent(userId) };
    const signal = AbortSignal.any([stop, AbortSignal.timeout(Math.max(1, Math.round(leftMs)))]);
    const body = JSON.stringify(called satisfies CalledPart);
    const { status } = await callInner(token, (headers) =>
      fetch(url, { method: 'POST', headers: { ...caller, ...headers }, body, signal }),
    );
    // 404: the part has not come there yet.
    return status === 204 ? 'has' : status === 404 ? 'late' : 'away';
  };
  return async (calling, stop) => {
    const until = clock.now() + PATIENCE_MS;
    let answer = await tell(calling, stop, PATIENCE_MS).catch((): StoredAnswer => 'away');
    for (let pause = FIRST_LOOK_MS; answer !== 'has' && !stop.aborted && clock.now() < until; pause = Math.min(pause * 2, LAST_LOOK_MS)) {
      await clock.sleep(Math.min(pause, until - clock.now()), stop);
      answer = await tell(calling, stop, until - clock.now()).catch((): StoredAnswer => 'away');
    }
    onAnswer?.(answer);
    return answer;
  };
};
