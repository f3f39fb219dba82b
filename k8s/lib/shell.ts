import { runCommand } from '../../scripts/lib/command.ts';

/** Runs a program and gives what it printed. @throws Error with the end of its output when it fails */
export const shell = async (program: string, args: readonly string[], options: { cwd?: string; env?: Record<string, string> } = {}) => {
  const { code, output } = await runCommand(program, args, options);
  if (code !== 0)
    throw new Error(`${program.split('/').at(-1)} ${args.slice(0, 4).join(' ')} … ended with ${code}:\n${output.slice(-3000)}`);
  return output;
};
