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

const hostsIn = (names: readonly string[]): number => names.filter((name, i) => i % 2 === 0 && /^host$/i.test(name)).length;

const refused = (statusCode: 400 | 421, code: string): Error => Object.assign(new Error('a Host that is not ours'), { statusCode, code });

/**
 * A Fastify `onRequest` hook: 421 for a Host that is not ours, before anything else is looked at. `host` of a request is what a trusted
 * proxy forwards (`X-Forwarded-Host`) and what Origin is compared with, so it has to be ours too. Two Hosts are 400 (RFC 9112, 3.2):
 * each reader would take another one.
 */
export const hostGuard =
  (hosts: OwnHosts) =>
  async ({ headers, host, raw }: FastifyRequest): Promise<void> => {
    if (hostsIn(raw.rawHeaders) > 1) throw refused(400, 'TWO_HOSTS');
    if (!isOurHost(headers.host, hosts) || !isOurHost(host, hosts)) throw refused(421, 'FOREIGN_HOST');
  };
