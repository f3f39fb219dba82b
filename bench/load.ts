import { fileURLToPath } from 'node:url';
import { Child } from './child.ts';
import type { LoadJob, LoadReport, LoadRequest } from './load-process.ts';

/** The parent's end of the viewers' process. */
export class Load {
  readonly #child = new Child<LoadRequest, LoadReport | null>(fileURLToPath(new URL('load-process.ts', import.meta.url)));

  get pid(): number {
    return this.#child.pid;
  }
  /** Resolves when all sockets are open. */
  async start(job: LoadJob): Promise<void> {
    await this.#child.ask({ kind: 'start', job });
  }
  /** Forgets what was measured so far: the steady part begins. */
  async mark(): Promise<void> {
    await this.#child.ask({ kind: 'mark' });
  }
  async report(): Promise<LoadReport> {
    return (await this.#child.ask({ kind: 'report' }))!;
  }
  close(): Promise<void> {
    return this.#child.close();
  }
}
