import pg from 'pg';

type Cell = string | number | null | undefined;

const ESCAPES: Record<string, string> = { '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' };

const cell = (value: Cell): string => {
  if (value === null || value === undefined) return '\\N';
  if (typeof value === 'number') return String(value);
  return /[\\\n\r\t]/.test(value) ? value.replace(/[\\\n\r\t]/g, (found) => ESCAPES[found]!) : value;
};

/** Rows in the text format of PostgreSQL's COPY. Pure. */
export const copyText = <Row>(rows: readonly Row[], keys: readonly (keyof Row)[]): string => {
  let text = '';
  for (const row of rows) text += `${keys.map((key) => cell(row[key] as Cell)).join('\t')}\n`;
  return text;
};

/** What the driver's connection can do and its types do not say. */
interface CopyConnection {
  sendCopyFromChunk(chunk: Buffer): void;
  endCopyFrom(): void;
}

/** The driver's own query, which refuses a COPY: this one has the data with it. */
class CopyIn extends pg.Query {
  readonly #data: Buffer;

  constructor(statement: string, data: Buffer) {
    super(statement);
    this.#data = data;
  }

  handleCopyInResponse(connection: CopyConnection): void {
    connection.sendCopyFromChunk(this.#data);
    connection.endCopyFrom();
  }
}

/** Runs `COPY … FROM STDIN` on a connection. Rejects with the database's error. */
export const copyIn = (client: pg.ClientBase, statement: string, text: string): Promise<void> =>
  new Promise((resolve, reject) => {
    const copy = new CopyIn(statement, Buffer.from(text));
    copy.once('end', () => resolve());
    copy.on('error', reject);
    client.query(copy);
  });
