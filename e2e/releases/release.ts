import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Words of the answer that was half written; 50 a second. */
export const RUNNING_WORDS = 400;

/** What a release left in a store, as its own history told it. */
export interface LeftBehind {
  userId: string;
  /** A conversation that is over: runs `ended`, `failed` and `deleted`. */
  over: string;
  /** A conversation whose answer, run `running`, was half written when everything was killed. */
  going: string;
  /** Of `over`, in order. */
  messages: { messageId: string; role: string; text: string; status: string; sha256: string }[];
}

export interface Release {
  version: string;
  cluster: LeftBehind;
  standalone: LeftBehind;
}

export const releaseFolder = (version: string): string => join(import.meta.dirname, version);

export const readRelease = (version: string): Release =>
  JSON.parse(readFileSync(join(releaseFolder(version), 'expected.json'), 'utf8')) as Release;
