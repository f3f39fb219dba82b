import { withDeadline } from './wait.ts';

export interface CheckResult {
  ok: boolean;
  /** A failing check that is not critical is shown but does not take the process out of service. */
  critical: boolean;
  ms: number;
  error?: string;
}
export interface Readiness {
  ok: boolean;
  /** Why the process took itself out of service: `starting`, `draining`, … */
  reason?: string;
  checks: Record<string, CheckResult>;
}
export interface Liveness {
  ok: boolean;
  reason?: string;
}

export interface Health {
  /** `check` rejects when the dependency is not usable; it has 950 ms. Critical unless said otherwise. */
  register(name: string, check: () => Promise<void> | void, options?: { critical?: boolean }): void;
  /** Not ready at first (`starting`); a service says so when it listens. */
  setReady(): void;
  /** Takes the process out of service, as when it drains. */
  setUnready(reason: string): void;
  /** Dependencies are asked once however many ask at the same time. */
  ready(): Promise<Readiness>;
  /** Whether the process itself takes work, whatever its dependencies say: what a load balancer should go by. */
  open(): Liveness;
  /** Says that only a restart helps. */
  fail(reason: string): void;
  live(): Liveness;
}

/** Longer than a store's own deadline, so that its reason is told; still within a second. */
const CHECK_DEADLINE_MS = 950;

/** With the cause in brackets, where there is one. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? `${error.message} (${error.cause.message})` : error.message;
}

export function createHealth({ checkDeadlineMs = CHECK_DEADLINE_MS } = {}): Health {
  const checks = new Map<string, { check: () => Promise<void> | void; critical: boolean }>();
  let isReady = false;
  let notReadyReason: string | undefined = 'starting';
  let fatal: string | undefined;
  let inFlight: Promise<Record<string, CheckResult>> | undefined;

  async function runOne(check: () => Promise<void> | void, critical: boolean): Promise<CheckResult> {
    const startedAt = performance.now();
    const result = (error?: string): CheckResult => ({
      ok: error === undefined,
      critical,
      ms: Math.round(performance.now() - startedAt),
      ...(error !== undefined && { error }),
    });
    try {
      await withDeadline(Promise.resolve().then(check), checkDeadlineMs, () => {
        throw new Error(`no answer within ${checkDeadlineMs} ms`);
      });
      return result();
    } catch (error) {
      return result(reasonOf(error));
    }
  }

  async function runAll(): Promise<Record<string, CheckResult>> {
    const entries = [...checks].map(async ([name, { check, critical }]) => [name, await runOne(check, critical)] as const);
    return Object.fromEntries(await Promise.all(entries));
  }

  return {
    register(name, check, { critical = true } = {}) {
      if (checks.has(name)) throw new Error(`two health checks are named ${name}`);
      checks.set(name, { check, critical });
    },
    setReady() {
      isReady = true;
      notReadyReason = undefined;
    },
    setUnready(reason) {
      isReady = false;
      notReadyReason = reason;
    },
    async ready() {
      inFlight ??= runAll().finally(() => (inFlight = undefined));
      const results = await inFlight;
      const ok = isReady && fatal === undefined && Object.values(results).every((result) => result.ok || !result.critical);
      const reason = fatal ?? notReadyReason;
      return { ok, ...(reason !== undefined && { reason }), checks: results };
    },
    open() {
      const reason = fatal ?? notReadyReason;
      return { ok: isReady && fatal === undefined, ...(reason !== undefined && { reason }) };
    },
    fail(reason) {
      fatal ??= reason;
    },
    live: () => (fatal === undefined ? { ok: true } : { ok: false, reason: fatal }),
  };
}
