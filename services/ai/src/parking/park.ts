import type { ParkRun, ParkRunResult, RunLog } from '@runnel/coordination';
import { untilAnswered, type RetryOptions } from '../runs/retry.ts';
import type { Stored } from './stored-waits.ts';

/**
 * Lets go of a run that waits for people. Where there is a database it is told first, and has two seconds: who is shown that an answer waits
 * may come back to it whatever happens to the store (W-17). The run stays this pod's meanwhile.
 */
export const parkRun = async (
  runLog: Pick<RunLog, 'parkRun'>,
  stored: Stored | undefined,
  command: ParkRun & { userId: string },
  retry: RetryOptions,
): Promise<ParkRunResult> => {
  const { userId: _, ...park } = command;
  const ask = (tell: boolean) => untilAnswered(() => runLog.parkRun({ ...park, ...(tell && { tell }) }), retry);
  if (!stored) return ask(false);
  const told = await ask(true);
  if (told.outcome !== 'told') return told;
  await stored(command);
  return ask(false);
};
