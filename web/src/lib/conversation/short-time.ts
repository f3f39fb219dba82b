import { dateFormat } from '../date-format.ts';
import { ageOf } from './ages.ts';

/** A time as people say it: today the hour, before that the day as well, before this year the year too. Times in ms. */
export const shortTime = (at: number, now: number, locale: string): string => {
  const time = { hour: 'numeric', minute: '2-digit' } as const;
  const day = { day: 'numeric', month: 'short' } as const;
  if (ageOf(at, now) === 'today') return dateFormat(locale, time).format(at);
  const sameYear = new Date(at).getFullYear() === new Date(now).getFullYear();
  return dateFormat(locale, { ...day, ...(sameYear ? time : { year: 'numeric' }) }).format(at);
};
