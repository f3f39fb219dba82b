import { withoutImports } from '../lib/markdown/diagram.ts';
import type { DiagramDrawn, DiagramOrder } from '../worker/diagram.ts';

export interface Picture {
  url: string;
  /** Of the picture itself (px). */
  width: number;
}

/** A drawer that takes longer has met a diagram that it cannot end. */
const PATIENCE_MS = 20_000;
const MOST = 60;
/** One that has had nothing to draw for so long gives its memory back. */
const IDLE_MS = 60_000;

/** By text and colours. */
const pictures = new Map<string, Promise<Picture | null>>();
let drawer: Worker | null = null;
let last = 0;
let idle: ReturnType<typeof setTimeout> | undefined;
const dismiss = (): void => {
  drawer?.terminate();
  drawer = null;
};
/** One after the other, so that the deadline is that of one diagram. */
let turn: Promise<unknown> = Promise.resolve();

const TOKENS: Record<keyof DiagramOrder['colors'], string> = {
  ...{ bg: '--ground', fg: '--ink', line: '--ink-3', accent: '--water', muted: '--ink-3', surface: '--raised', border: '--line-strong' },
};

/** What the page's colours are just now: tokens have a light and a dark side, a picture has none. */
const colorsOf = (host: HTMLElement): DiagramOrder['colors'] => {
  const probe = document.createElement('span');
  host.append(probe);
  const colors = Object.fromEntries(
    Object.entries(TOKENS).map(([name, token]) => {
      probe.style.color = `var(${token})`;
      return [name, getComputedStyle(probe).color];
    }),
  );
  probe.remove();
  return colors as DiagramOrder['colors'];
};

const order = (source: string, colors: DiagramOrder['colors']): Promise<string | null> =>
  new Promise((resolve) => {
    // With the first diagram, not with the page: it is 450 kB.
    drawer ??= new Worker(new URL('../worker/diagram.ts', import.meta.url), { type: 'module' });
    const worker = drawer;
    const id = ++last;
    clearTimeout(idle);
    const end = (svg: string | null): void => {
      clearTimeout(late);
      worker.removeEventListener('message', hear);
      worker.removeEventListener('error', fail);
      idle = setTimeout(dismiss, IDLE_MS);
      resolve(svg);
    };
    const hear = ({ data }: MessageEvent<DiagramDrawn>): void => void (data.id === id && end(data.svg));
    // It is at a loss, or away: the next diagram gets another one.
    const fail = (): void => {
      dismiss();
      end(null);
    };
    const late = setTimeout(fail, PATIENCE_MS);
    worker.addEventListener('message', hear);
    worker.addEventListener('error', fail);
    worker.postMessage({ id, source, colors } satisfies DiagramOrder);
  });

/** A picture, never a part of the page: nothing in it runs, loads or reaches out, and the page's policy stays as it is. */
const pictureOf = async (source: string, colors: DiagramOrder['colors']): Promise<Picture | null> => {
  const svg = await order(source, colors);
  const width = Number(/<svg\b[^>]*?\bwidth="([\d.]+)"/.exec(svg ?? '')?.[1]);
  return svg === null || !(width > 0) ? null : { width, url: `data:image/svg+xml,${encodeURIComponent(withoutImports(svg))}` };
};

/** A diagram in the colours of the page; null: it cannot be drawn, and is read as it was written. */
export const drawDiagram = (host: HTMLElement, source: string): Promise<Picture | null> => {
  const colors = colorsOf(host);
  const key = JSON.stringify([source, colors]);
  const known = pictures.get(key);
  if (known) return known;
  const drawn = turn.then(() => pictureOf(source, colors)).catch(() => null);
  // Not drawn for a reason that may pass, such as no network: it is asked for again where it is shown again.
  void drawn.then((picture) => picture === null && pictures.delete(key));
  turn = drawn;
  if (pictures.size >= MOST) pictures.delete(pictures.keys().next().value!);
  pictures.set(key, drawn);
  return drawn;
};
