const formats = new Map<string, Intl.DateTimeFormat>();

/** The formatter of a language and a form, made once: each costs about a millisecond to make, and every message shows two times. */
export const dateFormat = (locale: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat => {
  const key = `${locale} ${JSON.stringify(options)}`;
  const format = formats.get(key) ?? new Intl.DateTimeFormat(locale, options);
  formats.set(key, format);
  return format;
};
