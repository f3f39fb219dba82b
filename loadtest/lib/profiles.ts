/** How much load, by name; `K6_PROFILE` picks one. Users are virtual users with one conversation each. */
export interface Profile {
  users: number;
  seconds: number;
  /** Words a second of each answer. */
  rate: number;
  words: number;
}

export const PROFILES: Record<string, Profile> = {
  short: { users: 5, seconds: 4, rate: 20, words: 40 },
  smoke: { users: 20, seconds: 15, rate: 20, words: 100 },
  load: { users: 100, seconds: 120, rate: 20, words: 400 },
  stress: { users: 400, seconds: 180, rate: 20, words: 400 },
  spike: { users: 300, seconds: 30, rate: 50, words: 200 },
};

export const profileOf = (name: string | undefined): Profile => {
  const profile = PROFILES[name ?? 'smoke'];
  if (!profile) throw new Error(`There is no profile ${name}; known: ${Object.keys(PROFILES).join(', ')}.`);
  return profile;
};
