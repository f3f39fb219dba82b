import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { LoadJob, LoadReport, LoadRequest } from './load-process.ts';

/** The parent's end of the viewers' process. */
export class Load {
  readonly #child: ChildProcess;
  #asked = 0;

  constructor() {
    this.#child = fork(fileURLToPath(new URL('load-process.ts', import.meta.url)), { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  }
  get pid(): number {
    return this.#child.pid!;
  }
  /** Resolves when all sockets are open. */
  async start(job: LoadJob): Promise<void> {
    await this.#ask({ kind: 'start', job });
  }
  /** Forgets what was measured so far: the steady part begins. */
  async mark(): Promise<void> {
    await this.#ask({ kind: 'mark' });
  }
  async report(): Promise<LoadReport> {
    return (await this.#ask({ kind: 'report' }))!;
  }
  async close(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const closed = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await closed;
  }

  #ask(request: LoadRequest): Promise<LoadReport | null> {
    const id = ++this.#asked;
    return new Promise((resolve) => {
      const answered = (message: { id: number; answer: LoadReport | null }): void => {
        if (message.id !== id) return;
        this.#child.off('message', answered);
        resolve(message.answer);
      };
      this.#child.on('message', answered);
      this.#child.send({ id, request });
    });
  }
}
