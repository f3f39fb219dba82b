import { connect, type Socket } from 'node:net';
import { once } from 'node:events';

const MAX_WAITING_BYTES = 4 * 1024 * 1024;

const bulk = (part: string | number): string => {
  const text = String(part);
  return `$${Buffer.byteLength(text)}\r\n${text}\r\n`;
};

/** A connection that only writes commands and counts error replies: the generator must not cost what is to be measured. */
export class RespWriter {
  readonly #socket: Socket;
  #batch: string[] = [];
  failures = 0;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (data: Buffer) => {
      for (let at = data.indexOf('\r\n-'); at >= 0; at = data.indexOf('\r\n-', at + 3)) this.failures++;
      if (data[0] === 45) this.failures++;
    });
  }

  static async connect(port: number): Promise<RespWriter> {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    await once(socket, 'connect');
    return new RespWriter(socket);
  }

  /** The unchanging beginning of an `EVALSHA`, made once for each conversation. */
  static head(sha: string, keys: readonly string[], args: readonly (string | number)[], more: number): string {
    return [`*${3 + keys.length + args.length + more}\r\n`, ...['EVALSHA', sha, keys.length, ...keys, ...args].map(bulk)].join('');
  }

  /** Redis is behind: nothing more should be added for now. */
  get full(): boolean {
    return this.#socket.writableLength > MAX_WAITING_BYTES;
  }
  add(head: string, ...args: (string | number)[]): void {
    this.#batch.push(head, ...args.map(bulk));
  }
  flush(): void {
    if (this.#batch.length > 0) this.#socket.write(this.#batch.join(''));
    this.#batch = [];
  }
  close(): void {
    this.#socket.destroy();
  }
}
