import { relative, sep } from 'node:path';
import type { Rule } from 'eslint';
import { boundaryProblem } from './boundaries.ts';

interface ImportLike {
  source?: { type: string; value?: unknown } | null;
}

/** ESLint's view of `boundaries.ts`. The option is the repository's root. */
export const importRule: Rule.RuleModule = {
  meta: {
    type: 'problem',
    docs: { description: 'imports go one way between the parts of the repository' },
    schema: [{ type: 'string' }],
  },
  create(context) {
    const root = String(context.options[0] ?? context.cwd);
    const file = relative(root, context.filename).split(sep).join('/');
    const check = (node: Rule.Node): void => {
      const source = (node as ImportLike).source?.value;
      const problem = typeof source === 'string' ? boundaryProblem(file, source) : null;
      if (problem !== null) context.report({ node, message: problem });
    };
    return { ImportDeclaration: check, ImportExpression: check, ExportNamedDeclaration: check, ExportAllDeclaration: check };
  },
};
