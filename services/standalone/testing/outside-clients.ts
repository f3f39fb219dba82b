import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { newFolder, startAll } from './start-all.ts';

/** Where `npm run clients` has installed other people's clients; undefined in a plain `npm test`. */
export const outsideClients = process.env['RUNNEL_OUTSIDE_CLIENTS'];

/** Whether a test whose client is not installed is left out. `npm run clients` installs all of them, so there a missing one fails. */
export const leftOut = (isInstalled: boolean): boolean => !isInstalled && outsideClients === undefined;

/** The lines that a client's script prints, run against a product of its own. */
export const linesOf = async (program: string, args: (url: string) => string[], timeout = 380_000): Promise<string[]> => {
  const url = await (await startAll(await newFolder())).listen();
  const { stdout } = await promisify(execFile)(program, args(url), { timeout });
  return stdout.trim().split('\n');
};
