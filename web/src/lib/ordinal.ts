const ENGLISH: Record<string, string> = { one: 'st', two: 'nd', few: 'rd', other: 'th' };

/** A place in line as a locale writes it: 3rd; in Vietnamese the number. Pure. */
export const ordinal = (place: number, locale: string): string => {
  const number = place.toLocaleString(locale);
  return locale.startsWith('en') ? `${number}${ENGLISH[new Intl.PluralRules('en', { type: 'ordinal' }).select(place)]}` : number;
};
