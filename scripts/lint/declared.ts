import { isBuiltin } from 'node:module';
import { isTest, partOf } from './boundaries.ts';

export interface Manifest {
  name: string;
  dependencies?: Record<string, string>;
  devDependencies?: Record<string, string>;
  peerDependencies?: Record<string, string>;
}

/** Given to scripts by the program that runs them. */
const PROVIDED = ['k6'];

const libraryOf = (specifier: string): string => specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');
const declares = ({ name, dependencies, peerDependencies }: Manifest, library: string): boolean =>
  name === library || library in { ...dependencies, ...peerDependencies };

/**
 * Why `file` must not import `specifier`: no manifest declares it, so it is there by luck. What a part runs with stands in its own
 * manifest; tests and tools may also use what the repository's root declares for them.
 * @param file path from the repository's root, with slashes
 * @param manifestOf the manifest of a part, `''` for the root
 */
export function undeclaredProblem(file: string, specifier: string, manifestOf: (part: string) => Manifest): string | null {
  if (specifier.startsWith('.') || isBuiltin(specifier)) return null;
  const library = libraryOf(specifier);
  if (PROVIDED.includes(library)) return null;
  const part = partOf(file) ?? '';
  const own = manifestOf(part);
  if (declares(own, library)) return null;
  const isTool = part === '' || isTest(file) || !file.startsWith(`${part}/src/`);
  // Which packages of ours a test may use, boundaries.ts says.
  if (isTool && (library.startsWith('@runnel/') || library in { ...own.devDependencies, ...manifestOf('').devDependencies })) return null;
  return `${part === '' ? 'package.json' : `${part}/package.json`} does not declare ${library}`;
}
