import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';

/** What a measuring process is asked, with an id, so that answers find their question. */
export interface Asked<Request> {
  id: number;
  request: Request;
}

/** The longest thing asked is to open all viewers. */
const PATIENCE_MS = 120_000;

/** The parent's end of a process that answers requests: viewers, producers. */
export class Child<Request, Answer> {
  readonly #child: ChildProcess;
  #asked = 0;

  constructor(file: string) {
    this.#child = fork(file, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  }
  get pid(): number {
    return this.#child.pid!;
  }
  ask(request: Request): Promise<Answer> {
    const id = ++this.#asked;
    return new Promise((resolve, reject) => {
      const settle = (end: () => void): void => {
        clearTimeout(timer);
        this.#child.off('message', answered);
        this.#child.off('exit', gone);
        end();
      };
      const gone = (): void => settle(() => reject(new Error('the process ended before it had answered')));
      const answered = (message: { id: number; answer: Answer }): void => {
        if (message.id === id) settle(() => resolve(message.answer));
      };
      const timer = setTimeout(() => settle(() => reject(new Error('the process does not answer'))), PATIENCE_MS);
      this.#child.on('message', answered);
      this.#child.once('exit', gone);
      this.#child.send({ id, request } satisfies Asked<Request>);
    });
  }
  async close(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const closed = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await closed;
  }
}

/** The child's end: answers each request, and ends with its parent. */
export const answerParent = <Request, Answer>(handle: (request: Request) => Promise<Answer>): void => {
  process.on('message', ({ id, request }: Asked<Request>) => void handle(request).then((answer) => process.send?.({ id, answer })));
  process.on('disconnect', () => process.exit(0));
};
