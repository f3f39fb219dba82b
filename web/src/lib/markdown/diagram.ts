/** A longer one is a program of its own, and would keep its drawer busy. */
const LONGEST = 20_000;
const DRAWN = /^(?:graph|flowchart|stateDiagram|sequenceDiagram|classDiagram|erDiagram|xychart)\b/;
/** Settings at the head, comments, and what a picture cannot do. */
const NOT_DRAWN = /^[ \t]*(?:%%.*|click[ \t].*|acc(?:Title|Descr)[ \t]*:.*)(?:\n|$)/gm;
const FRONT_MATTER = /^\s*---\n[\s\S]*?\n---[ \t]*\n/;

/** The text of a Mermaid diagram as its drawer takes it; null: of a kind that it does not draw, or too long. */
export const diagramOf = (language: string, code: string): string | null => {
  if (language.toLowerCase() !== 'mermaid' || code.length > LONGEST) return null;
  const text = code
    .replace(FRONT_MATTER, '')
    .replaceAll(NOT_DRAWN, '')
    .replaceAll(/;[ \t]*$/gm, '')
    .trim();
  return DRAWN.test(text) ? text : null;
};

/** Asked of the network by nobody: a picture loads nothing. Left out all the same, with what a browser would complain of. */
export const withoutImports = (svg: string): string => svg.replaceAll(/@import\b[^\n]*/g, '');
