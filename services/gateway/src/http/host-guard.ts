import type { FastifyRequest } from 'fastify';

export interface OwnHosts {
  /** `PUBLIC_HOSTS`; empty: any. */
  publicHosts: readonly string[];
  /** One's own machine alone, where whoever asks is believed. */
  thisMachineOnly?: boolean | undefined;
}

/** A Host header without its port, in small letters; null: it is none. Pure. */
export const nameOf = (host: string | undefined): string | null => {
  const [, bracketed, plain] = /^(?:(\[[0-9a-f:.]+\])|([^\s:/@[\]]+))(?::\d{1,5})?$/i.exec(host ?? '') ?? [];
  return (bracketed ?? plain)?.toLowerCase() ?? null;
};

/**
 * Whether a Host is one of ours. On one's own machine only its names are: a page of elsewhere whose name was made to mean 127.0.0.1
 * (DNS rebinding) shows its own name, and would be believed as whoever it says. `PUBLIC_HOSTS` names others. Pure.
 */
export const isOurHost = (host: string | undefined, { publicHosts, thisMachineOnly = false }: OwnHosts): boolean => {
  if (!thisMachineOnly && publicHosts.length === 0) return true;
  const name = nameOf(host);
  if (name === null) return false;
  if (publicHosts.some((allowed) => nameOf(allowed) === name)) return true;
  // Behind PUBLIC_HOSTS alone nobody calls it localhost but those on the machine.
  return name === 'localhost' || name === '127.0.0.1' || name === '[::1]';
};

/** A Fastify `onRequest` hook: 421 for a Host that is not ours, before anything else is looked at. */
export const hostGuard =
  (hosts: OwnHosts) =>
  async ({ headers }: FastifyRequest): Promise<void> => {
    if (!isOurHost(headers.host, hosts)) throw Object.assign(new Error('a foreign Host'), { statusCode: 421, code: 'FOREIGN_HOST' });
  };
