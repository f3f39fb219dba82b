import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../..', import.meta.url));

export interface CommandOptions {
  cwd?: string;
  env?: Record<string, string>;
  /** Gets each line of stdout; stderr then goes to the terminal as it is. Without it both are collected. */
  onLine?: (line: string) => void;
}

export interface CommandResult {
  /** 128 + signal number when a signal ended it, 127 when it could not be started. */
  code: number;
  output: string;
}

/** Runs one program of this repository and waits for its end. Never rejects: a program that cannot run has failed. */
export function runCommand(
  program: string,
  args: readonly string[],
  { cwd = root, env = {}, onLine }: CommandOptions = {},
): Promise<CommandResult> {
  return new Promise((resolve) => {
    const child = spawn(program, args, {
      cwd,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', onLine === undefined ? 'pipe' : 'inherit'],
    });
    const parts: string[] = [];
    const forward = (signal: NodeJS.Signals) => child.kill(signal);
    process.on('SIGINT', forward).on('SIGTERM', forward);
    const done = (code: number) => {
      process.off('SIGINT', forward).off('SIGTERM', forward);
      resolve({ code, output: parts.join('') });
    };
    if (onLine === undefined) {
      child.stdout?.on('data', (data: Buffer) => parts.push(data.toString()));
      child.stderr?.on('data', (data: Buffer) => parts.push(data.toString()));
    } else if (child.stdout !== null) {
      createInterface({ input: child.stdout }).on('line', onLine);
    }
    child.on('error', (error) => {
      parts.push(error.message);
      done(127);
    });
    child.on('close', (code, signal) => done(code ?? (signal === 'SIGINT' ? 130 : 143)));
  });
}

/** Runs `node <args>` with the Node that runs this. */
export const runNode = (args: readonly string[], options?: CommandOptions): Promise<CommandResult> =>
  runCommand(process.execPath, args, options);
