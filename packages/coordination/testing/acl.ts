import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestRedis } from './redis-process.ts';

const OPERATIONS = join(import.meta.dirname, '../../../docs/operations.md');
const PASSWORD = 'of-the-tests-alone';

/** The rules of the user that docs/operations.md asks for, as words after `ACL SETUSER runnel`; with the tests' password. */
const documentedRules = async (): Promise<string[]> => {
  const [, block] = /^ACL SETUSER runnel ([^`]+)^```/m.exec(await readFile(OPERATIONS, 'utf8')) ?? [];
  if (block === undefined) throw new Error('docs/operations.md says no `ACL SETUSER runnel`');
  return block
    .trim()
    .split(/\s+/)
    .map((word) => (word === '>PASSWORD' ? `>${PASSWORD}` : word));
};

/** What the user of docs/operations.md may call, as `INFO commandstats` names it: `get`, `script|load`. */
export const documentedCommands = async (): Promise<string[]> =>
  (await documentedRules()).filter((rule) => rule.startsWith('+')).map((rule) => rule.slice(1));

/** Makes that user on these servers, under a name; the address with it. */
export const addDocumentedUser = async (nodes: readonly TestRedis[], url: string, name = 'runnel'): Promise<string> => {
  const rules = await documentedRules();
  for (const node of nodes) await node.cli('ACL', 'SETUSER', name, ...rules);
  return url.replace('://', `://${name}:${PASSWORD}@`);
};

/** What these servers refused to other users than the tests' own, e.g. `command flushall (toplevel)`. */
export const refusedTo = async (nodes: readonly TestRedis[]): Promise<string[]> => {
  const refused: string[] = [];
  for (const node of nodes) {
    for (const entry of (await node.cli('ACL', 'LOG')) as unknown[][]) {
      const at = (name: string): string => String(entry[entry.indexOf(name) + 1]);
      if (at('username') !== 'default') refused.push(`${at('username')}: ${at('reason')} ${at('object')} (${at('context')})`);
    }
  }
  return refused;
};
