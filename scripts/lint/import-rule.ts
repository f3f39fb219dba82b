import { readFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import type { Rule } from 'eslint';
import { boundaryProblem } from './boundaries.ts';
import { undeclaredProblem, type Manifest } from './declared.ts';

interface ImportLike {
  source?: { type: string; value?: unknown } | null;
}

const manifests = new Map<string, Manifest>();
const manifestIn = (folder: string): Manifest => {
  const known = manifests.get(folder);
  if (known) return known;
  const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest;
  manifests.set(folder, manifest);
  return manifest;
};

/** ESLint's view of `boundaries.ts` and `declared.ts`. The option is the repository's root. */
export const importRule: Rule.RuleModule = {
  meta: {
    type: 'problem',
    docs: { description: 'imports go one way between the parts of the repository, and are declared' },
    schema: [{ type: 'string' }],
  },
  create(context) {
    const root = String(context.options[0] ?? context.cwd);
    const file = relative(root, context.filename).split(sep).join('/');
    const check = (node: Rule.Node): void => {
      const source = (node as ImportLike).source?.value;
      if (typeof source !== 'string') return;
      const problem = boundaryProblem(file, source) ?? undeclaredProblem(file, source, (part) => manifestIn(join(root, part)));
      if (problem !== null) context.report({ node, message: problem });
    };
    return { ImportDeclaration: check, ImportExpression: check, ExportNamedDeclaration: check, ExportAllDeclaration: check };
  },
};
