import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root, runCommand } from '../../scripts/lib/command.ts';

const PAGE = join(root, 'docs/operations.md');

/** The text of a section of docs/operations.md, without those below it. @throws Error when there is none */
const sectionOf = (title: string): string => {
  const sections = readFileSync(PAGE, 'utf8').split(/^(?=#{2,3} )/m);
  const found = sections.find((section) => section.split('\n', 1)[0]!.replace(/^#+ /, '') === title);
  if (found === undefined) throw new Error(`docs/operations.md has no section "${title}"`);
  return found;
};

/** The commands of a section's first block, one each. @throws Error when there is none */
export const commandsOf = (title: string): string[] => {
  const block = /^```\n([\s\S]*?)^```$/m.exec(sectionOf(title))?.[1];
  if (block === undefined) throw new Error(`"${title}" has no commands`);
  return block.split('\n').filter(Boolean);
};

/** A command that stands in the words of a section. @throws Error when it does not: the test would run what nobody is told */
export const commandIn = (title: string, command: string): string => {
  if (!sectionOf(title).includes(`\`${command}`)) throw new Error(`"${title}" does not say ${command}`);
  return command;
};

export interface Surroundings {
  env: Record<string, string>;
  /** What stands for something else on this machine: an address of the example, and the one here. */
  instead: Readonly<Record<string, string>>;
  cwd?: string;
}

/** What a shell prints for a command as it is written. @throws Error with its output when it fails */
export const inShell = async (command: string, { env, instead, cwd }: Surroundings): Promise<string> => {
  const here = Object.entries(instead).reduce((text, [example, real]) => text.replaceAll(example, real), command);
  const { code, output } = await runCommand('bash', ['-c', here], { env, ...(cwd !== undefined && { cwd }) });
  if (code !== 0) throw new Error(`${here}\nended with ${code}:\n${output.slice(-2_000)}`);
  return output;
};
