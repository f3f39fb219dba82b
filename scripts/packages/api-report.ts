import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { distOf } from './build.ts';
import type { PackageName } from './names.ts';

/**
 * `packages/<name>/api-report.md`: the declarations that a user of the package sees, one after the other. A change of the interface shows
 * in the report's diff. Needs `buildPackages` first.
 */
export function apiReport(name: PackageName): string {
  const dist = distOf(name);
  const seen = new Set<string>();
  const visit = (file: string): void => {
    if (seen.has(file) || !existsSync(join(dist, file))) return;
    seen.add(file);
    for (const [, target] of readFileSync(join(dist, file), 'utf8').matchAll(/from ['"]\.\/([\w/-]+)\.[jt]s['"]/g)) visit(`${target}.d.ts`);
  };
  visit('index.d.ts');
  const files = readdirSync(dist).filter((file) => seen.has(file));
  const parts = files.map((file) => `## ${file}\n\n\`\`\`ts\n${readFileSync(join(dist, file), 'utf8').trim()}\n\`\`\``);
  return `# The interface of @runnel/${name}\n\nWritten by \`npm run docs\`; do not edit. A change here is a change for its users.\n\n${parts.join('\n\n')}\n`;
}
