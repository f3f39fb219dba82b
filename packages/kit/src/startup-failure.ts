import { ConfigError } from './config.ts';

interface SystemFailure extends Error {
  code?: string;
  errcode?: number;
  address?: string;
  port?: number;
  path?: string;
}

const SQLITE_FULL = 13;

/**
 * What went wrong at the start, in one line for whoever started it. `expected`: the surroundings are at fault, a stack
 * would only hide the line.
 */
export function describeStartupFailure(error: unknown): { line: string; expected: boolean } {
  if (error instanceof ConfigError) return { line: `bad configuration: ${error.problems.join('; ')}`, expected: true };
  if (!(error instanceof Error)) return { line: String(error), expected: false };
  const known = describeSystemFailure(error);
  if (known !== undefined) return { line: known, expected: true };
  const hasCode = typeof (error as SystemFailure).code === 'string';
  return { line: firstLine(error.message) || error.name, expected: hasCode };
}

function describeSystemFailure(failure: SystemFailure): string | undefined {
  const where = failure.port === undefined ? (failure.address ?? 'the address') : `${failure.address ?? ''}:${failure.port}`;
  const path = failure.path === undefined ? '' : ` (${failure.path})`;
  switch (failure.code) {
    case 'EADDRINUSE':
      return `port taken: ${where} is in use by another process`;
    case 'EADDRNOTAVAIL':
      return `cannot listen on ${where}: this machine has no such address`;
    case 'EACCES':
    case 'EPERM':
      return failure.port === undefined ? `no permission${path}` : `no permission to listen on ${where}`;
    case 'ENOSPC':
      return `disk full${path}`;
    case 'EROFS':
      return `read-only file system${path}`;
    case 'EMFILE':
    case 'ENFILE':
      return 'too many open files (raise the limit, ulimit -n)';
    case 'ECONNREFUSED':
    case 'EHOSTUNREACH':
    case 'ETIMEDOUT':
      return `cannot reach ${where}`;
    default:
      return failure.errcode === SQLITE_FULL ? `disk full${path}` : undefined;
  }
}

const firstLine = (text: string): string => text.split('\n', 1)[0] ?? '';
