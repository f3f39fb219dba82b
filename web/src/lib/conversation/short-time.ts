import { ageOf } from './ages.ts';

/** A time as people say it: today the hour, before that the day as well, before this year the year too. Times in ms. */
export const shortTime = (at: number, now: number, locale: string): string => {
  const time = { hour: 'numeric', minute: '2-digit' } as const;
  const day = { day: 'numeric', month: 'short' } as const;
  if (ageOf(at, now) === 'today') return new Date(at).toLocaleTimeString(locale, time);
  const sameYear = new Date(at).getFullYear() === new Date(now).getFullYear();
  return new Date(at).toLocaleString(locale, { ...day, ...(sameYear ? time : { year: 'numeric' }) });
};
