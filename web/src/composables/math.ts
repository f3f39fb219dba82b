import { formulaOf } from '../lib/markdown/math.ts';

type Katex = (typeof import('katex'))['default'];

/** A formula that expands without end, or is as large as a house, is no formula of an answer. */
const LIMITS = { maxExpand: 300, maxSize: 30 };
/** Drawn ones that are kept: while a paragraph grows, its formulas are drawn again with each word. */
const MOST = 300;

let katex: Katex | null = null;
let loading: Promise<void> | null = null;
const drawn = new Map<string, DocumentFragment>();

/** With the first formula, not with the page: 80 kB, and its fonts. */
const load = (): Promise<void> =>
  (loading ??= Promise.all([import('katex'), import('katex/dist/katex.min.css')]).then(
    ([module]) => void (katex = module.default),
    // Offline: formulas stay as they were written, and the next one tries again.
    () => void (loading = null),
  ));

/** Null: it cannot be drawn, and is read as it was written. */
const draw = (source: string, library: Katex): DocumentFragment | null => {
  const known = drawn.get(source);
  if (known) return known;
  const box = document.createElement('div');
  const { tex, display } = formulaOf(source);
  try {
    // By the style objects of the DOM, never by text: the page's policy forbids style attributes. MathML goes with it, for screen readers.
    library.render(tex, box, { displayMode: display, throwOnError: true, trust: false, strict: 'ignore', ...LIMITS });
  } catch {
    return null;
  }
  const fragment = document.createDocumentFragment();
  fragment.append(...box.childNodes);
  if (drawn.size >= MOST) drawn.delete(drawn.keys().next().value!);
  drawn.set(source, fragment);
  return fragment;
};

/** Draws the formulas of a part of the page that are not drawn yet; those that come before the library is there, when it is. */
export const drawMath = (host: HTMLElement): void => {
  const waiting = host.querySelectorAll<HTMLElement>('.math:not([data-drawn])');
  if (waiting.length === 0) return;
  if (katex === null) {
    void load().then(() => katex && host.isConnected && drawMath(host));
    return;
  }
  for (const element of waiting) {
    const fragment = draw(element.textContent, katex);
    element.dataset['drawn'] = fragment === null ? 'no' : '';
    if (fragment) element.replaceChildren(fragment.cloneNode(true));
  }
};
