import { renderMermaidSVG } from 'beautiful-mermaid';

/** Draws diagrams beside the page: the layout of a large one takes a second, in which nothing else may stand still. */
export interface DiagramOrder {
  id: number;
  source: string;
  colors: { bg: string; fg: string; line: string; accent: string; muted: string; surface: string; border: string };
}
export interface DiagramDrawn {
  id: number;
  /** Null: it cannot be drawn. */
  svg: string | null;
}

interface Scope {
  postMessage(drawn: DiagramDrawn): void;
  addEventListener(type: 'message', listener: (event: MessageEvent<DiagramOrder>) => void): void;
}
const scope = self as unknown as Scope;
// The layout library takes a worker for one that serves itself alone, and puts `self` back by assigning it. Both are looked up with the first diagram.
Object.defineProperty(globalThis, 'self', { value: globalThis, writable: true, configurable: true });
Object.defineProperty(globalThis, 'document', { value: {} });

scope.addEventListener('message', ({ data: { id, source, colors } }) => {
  let svg: string | null = null;
  try {
    svg = renderMermaidSVG(source, { ...colors, font: 'system-ui', padding: 8, transparent: true });
  } catch {
    // As it was written, then.
  }
  scope.postMessage({ id, svg });
});
