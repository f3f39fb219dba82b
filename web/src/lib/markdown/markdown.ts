import createDOMPurify from 'dompurify';
import MarkdownIt from 'markdown-it';
import cjkFriendly from 'markdown-it-cjk-friendly';
import { keepFootnotes } from './footnotes.ts';
import { highlight } from './highlight.ts';
import { keepMath } from './math.ts';

/** Words the renderer puts into the page. */
export interface MarkdownLabels {
  copy: string;
  /** Shown before the name of an image that was not loaded. */
  image: string;
  table: string;
  /** Before the number of a footnote: that leads to it, and back. */
  note: string;
  back: string;
}

export type RenderMarkdown = (source: string) => string;

type Parser = ReturnType<typeof MarkdownIt>;

const LONGEST_NAME = 80;
const SAFE_LINK = /^(?:https?:|mailto:)/i;

const ALLOWED = {
  ALLOWED_TAGS: [
    ...['a', 'blockquote', 'br', 'button', 'code', 'del', 'div', 'em', 'figcaption', 'figure', 'h3', 'h4', 'hr'],
    ...['li', 'ol', 'p', 'pre', 's', 'span', 'strong', 'sup', 'table', 'tbody', 'td', 'th', 'thead', 'tr', 'ul'],
  ],
  ALLOWED_ATTR: [
    'aria-label',
    'class',
    'data-copy',
    'data-note',
    'data-note-text',
    'href',
    'rel',
    'role',
    'start',
    'tabindex',
    'target',
    'title',
    'type',
  ],
  ALLOW_DATA_ATTR: false,
  ALLOW_ARIA_ATTR: false,
};

const externalLink = (href: string): [string, string][] => [
  ['href', href],
  ['target', '_blank'],
  ['rel', 'noopener noreferrer nofollow'],
];

/** `- [x] done` as models write it: the box instead of its brackets. Only to look at; nobody keeps what a click would change. */
const showTasks = (md: Parser): void => {
  md.core.ruler.push('tasks', ({ tokens }) => {
    for (const [i, item] of tokens.entries()) {
      const inline = tokens[i + 2];
      const text = item.type === 'list_item_open' && inline?.type === 'inline' ? inline.children?.[0] : undefined;
      const mark = text?.type === 'text' ? /^\[([ xX])\] /.exec(text.content) : null;
      if (!text || !mark) continue;
      text.content = `${mark[1] === ' ' ? '☐' : '☑'} ${text.content.slice(mark[0].length)}`;
      item.attrSet('class', 'task');
    }
  });
};

/**
 * Markdown to HTML that is safe to show. Two fences: markdown-it passes no HTML through and DOMPurify keeps only the tags
 * this file writes. Images are not loaded (an address in an answer would tell its owner who reads it): a link stands for them.
 */
export const createMarkdown = (labels: MarkdownLabels): RenderMarkdown => {
  const md = new MarkdownIt({ html: false, linkify: true });
  const { escapeHtml } = md.utils;
  const purify = createDOMPurify();
  // Emphasis beside characters that no space parts: **这是“粗体”**文字.
  md.use(cjkFriendly);
  md.use(showTasks);
  md.use(keepFootnotes, labels);
  md.use(keepMath);
  md.validateLink = (url) => SAFE_LINK.test(url.trim());

  // The page's own headings are h1 (conversation) and h2 (message). Answers begin at any level and must not leave one out.
  const deeper = (tag: string): string => (Number(tag.slice(1)) <= 3 ? 'h3' : 'h4');
  md.renderer.rules['heading_open'] = (tokens, i) => `<${deeper(tokens[i]!.tag)} class="${tokens[i]!.tag}">`;
  md.renderer.rules['heading_close'] = (tokens, i) => `</${deeper(tokens[i]!.tag)}>\n`;

  md.renderer.rules['link_open'] = (tokens, i, options, _env, self) => {
    const token = tokens[i]!;
    for (const [name, value] of externalLink(String(token.attrGet('href') ?? ''))) token.attrSet(name, value);
    return self.renderToken(tokens, i, options);
  };

  md.renderer.rules['image'] = (tokens, i) => {
    const token = tokens[i]!;
    const attributes = externalLink(String(token.attrGet('src') ?? '')).map(([name, value]) => `${name}="${escapeHtml(value)}"`);
    return `<a class="blocked-image" ${attributes.join(' ')}>${escapeHtml(`${labels.image}: ${token.content || token.attrGet('src')}`)}</a>`;
  };

  const codeFigure = (code: string, info: string): string => {
    const language = /^[\w+#.-]{1,24}/.exec(info.trim())?.[0] ?? '';
    return (
      `<figure class="code"><figcaption><span>${escapeHtml(language)}</span>` +
      `<button type="button" class="code-copy" data-copy="">${escapeHtml(labels.copy)}</button></figcaption>` +
      `<pre tabindex="0"><code>${highlight(code, language, escapeHtml)}</code></pre></figure>\n`
    );
  };
  md.renderer.rules['fence'] = (tokens, i) => codeFigure(tokens[i]!.content, tokens[i]!.info);
  md.renderer.rules['code_block'] = (tokens, i) => codeFigure(tokens[i]!.content, '');

  /** Regions that are all called the same cannot be told apart by ear: the words of its head name a table. */
  const nameOf = (tokens: Parameters<typeof md.renderer.renderToken>[0], open: number): string => {
    const end = tokens.findIndex(({ type }, i) => i > open && type === 'thead_close');
    const words = tokens.slice(open, end < 0 ? open : end).filter(({ type }) => type === 'inline');
    const head = words
      .map(({ children, content }) => children?.map((child) => child.content).join('') ?? content)
      .filter((text) => text.trim() !== '')
      .join(', ');
    return head === '' ? labels.table : `${labels.table} – ${head.slice(0, LONGEST_NAME)}`;
  };
  md.renderer.rules['table_open'] = (tokens, i) =>
    `<div class="table" role="region" tabindex="0" aria-label="${escapeHtml(nameOf(tokens, i))}"><table>\n`;
  md.renderer.rules['table_close'] = () => '</table></div>\n';
  for (const cell of ['th', 'td']) {
    // Alignment comes as an inline style, which the policy of the page forbids.
    md.renderer.rules[`${cell}_open`] = (tokens, i) => {
      const align = /text-align:(\w+)/.exec(String(tokens[i]!.attrGet('style') ?? ''))?.[1];
      return align ? `<${cell} class="align-${align}">` : `<${cell}>`;
    };
  }

  return (source) => purify.sanitize(md.render(source), ALLOWED);
};
