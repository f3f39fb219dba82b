/** What a message is asked with: a value by its name, and the form that a number wants. */
interface Asked {
  named(name: string): unknown;
  plural(forms: readonly string[]): string;
}
export type Said = (asked: Asked) => string;
export type Tree = { readonly [key: string]: string | Tree };
export type SaidTree = { [key: string]: Said | SaidTree };

/** One message: `{name}` stands for a value, and ` | ` between the forms for different numbers. */
export const said = (text: string): Said => {
  const forms = text.split(' | ');
  return ({ named, plural }) =>
    (forms.length === 1 ? text : plural(forms)).replace(/\{(\w+)\}/g, (_, name: string) => String(named(name) ?? ''));
};

/**
 * All messages of a language. As functions, so that the page comes without the compiler for a language of messages of which it uses only these
 * two signs: 4 kB that each first visit would have to load, and run for each message.
 */
export const saidAll = (messages: Tree): SaidTree =>
  Object.fromEntries(Object.entries(messages).map(([key, value]) => [key, typeof value === 'string' ? said(value) : saidAll(value)]));
