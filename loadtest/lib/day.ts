import { sleep } from 'k6';
import { ask } from './answer.ts';
import type { Profile } from './profiles.ts';

/** Parts of all answers: how people are, as far as one can guess. */
const RELOADS = 0.05;
const CANCELS = 0.03;
const SLOW_PHONES = 0.01;
const SLOW_MS = 150;
const THINK_SECONDS = { least: 0.5, most: 4 };

const between = (least: number, most: number): number => least + (most - least) * Math.random();

/** One question of a day: a thought, an answer of any length, and now and then a reload, a change of mind, a tunnel. */
export const askAsPeopleDo = (url: string, profile: Profile): void => {
  sleep(between(THINK_SECONDS.least, THINK_SECONDS.most));
  // Most answers are short, some are long: the square of an even chance.
  const words = Math.ceil(profile.words * between(0.2, 1.4) * Math.random()) + 10;
  const chance = Math.random();
  const middle = words * 3;
  ask({
    url,
    user: `k6-${__VU}`,
    words,
    rate: profile.rate,
    ...(chance < RELOADS && { cutAfterBytes: middle }),
    ...(chance >= RELOADS && chance < RELOADS + CANCELS && { cancelAfterBytes: middle }),
    ...(chance > 1 - SLOW_PHONES && { slowMs: SLOW_MS }),
    deadlineMs: (words / profile.rate) * 1000 + (words * SLOW_MS) / 4 + 15_000,
  });
};
