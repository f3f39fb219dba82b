import { appendFile, mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  fromJsonSchema,
  inputRequired,
  inputResponse,
  McpServer,
  type CallToolResult,
  type InputRequiredResult,
  type JsonSchemaType,
} from '@modelcontextprotocol/server';

export interface DemoToolsOptions {
  /** Where the counter and the board are kept. */
  dir: string;
  now?: () => Date;
}

const text = (words: string): CallToolResult => ({ content: [{ type: 'text', text: words }] });
const failed = (words: string): CallToolResult => ({ ...text(words), isError: true });

const object = <T>(properties: object, required: string[] = []) =>
  fromJsonSchema<T>({ type: 'object', properties, required, additionalProperties: false } as JsonSchemaType);

interface Sum {
  a: number;
  operator: '+' | '-' | '*' | '/';
  b: number;
}

const calculate = ({ a, operator, b }: Sum): number => {
  switch (operator) {
    case '+':
      return a + b;
    case '-':
      return a - b;
    case '*':
      return a * b;
    case '/':
      return a / b;
  }
};

const isZone = (timeZone: string): boolean => {
  try {
    new Intl.DateTimeFormat('en', { timeZone });
    return true;
  } catch {
    return false;
  }
};

/** Compiled once: a server is made for each request. */
const INPUTS = {
  clock: object<{ timeZone?: string }>({ timeZone: { type: 'string', maxLength: 64 } }),
  calculator: object<Sum>({ a: { type: 'number' }, operator: { enum: ['+', '-', '*', '/'] }, b: { type: 'number' } }, [
    'a',
    'operator',
    'b',
  ]),
  counter: object<{ label?: string }>({ label: { type: 'string', maxLength: 200 } }),
  nothing: object<object>({}),
  note: object<{ note: string }>({ note: { type: 'string', minLength: 1, maxLength: 2_000 } }, ['note']),
};

/** What the guest book wants to know; the model cannot say it for the person. */
const GUEST = {
  type: 'object' as const,
  properties: {
    name: { type: 'string' as const, title: 'Your name', minLength: 1, maxLength: 80 },
    stars: { type: 'integer' as const, title: 'How many stars, of five?', minimum: 1, maximum: 5 },
  },
  required: ['name'],
};

/** How many lines a file has; none without the file. */
const linesOf = async (file: string): Promise<number> => {
  const content = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '';
    throw error;
  });
  return content.split('\n').length - 1;
};

/** One MCP server for one request, as the protocol of 2026-07-28 has it; what lasts is in files. */
export const createDemoTools = ({ dir, now = () => new Date() }: DemoToolsOptions): McpServer => {
  const server = new McpServer({ name: 'runnel-demo-tools', version: '1' });
  const readOnly = { readOnlyHint: true, openWorldHint: false };

  server.registerTool(
    'clock',
    {
      title: 'Clock',
      description: 'The time now, in a time zone such as Asia/Ho_Chi_Minh; UTC when none is named.',
      inputSchema: INPUTS.clock,
      annotations: readOnly,
    },
    ({ timeZone = 'UTC' }) =>
      isZone(timeZone)
        ? text(`${now().toLocaleString('sv-SE', { timeZone })} ${timeZone}`)
        : failed(`There is no time zone of this name: ${timeZone}`),
  );

  server.registerTool(
    'calculator',
    {
      title: 'Calculator',
      description: 'Works out a sum of two numbers.',
      inputSchema: INPUTS.calculator,
      annotations: readOnly,
    },
    (sum) => {
      const result = calculate(sum);
      return Number.isFinite(result) ? text(String(result)) : failed('That is no number.');
    },
  );

  /** A line of a file, with what tells calls apart: whoever reads the file sees whether one was made twice. */
  const note = async (file: string, fact: object, meta: Record<string, unknown> | undefined): Promise<number> => {
    await mkdir(dir, { recursive: true });
    const call = { key: meta?.['runnel/idempotencyKey'], attempt: meta?.['runnel/attempt'], at: now().toISOString() };
    await appendFile(join(dir, file), `${JSON.stringify({ ...fact, ...call })}\n`, { mode: 0o600 });
    return linesOf(join(dir, file));
  };

  server.registerTool(
    'counter',
    {
      title: 'Counter',
      description: 'Counts its own calls, and says how many there were.',
      inputSchema: INPUTS.counter,
      annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: false, openWorldHint: false },
    },
    async ({ label = '' }, { mcpReq }) => text(String(await note('counter.ndjson', { label }, mcpReq._meta))),
  );

  server.registerTool(
    'post_note',
    {
      title: 'Notice board',
      description: 'Pins a note on the notice board, where everybody sees it.',
      inputSchema: INPUTS.note,
      annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: false, openWorldHint: false },
    },
    async ({ note: words }, { mcpReq }) => text(`Pinned as note ${await note('board.ndjson', { note: words }, mcpReq._meta)}.`),
  );

  server.registerTool(
    'guest_book',
    {
      title: 'Guest book',
      description: 'Writes into the guest book. It asks the person itself; give it nothing.',
      inputSchema: INPUTS.nothing,
      annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: false, openWorldHint: false },
    },
    async (_input, { mcpReq }): Promise<CallToolResult | InputRequiredResult> => {
      const said = inputResponse(mcpReq.inputResponses, 'guest');
      if (said.kind !== 'elicit')
        return inputRequired({
          inputRequests: { guest: inputRequired.elicit({ message: 'For the guest book:', requestedSchema: GUEST }) },
        });
      if (said.action !== 'accept') return failed('Nobody wants to be in the guest book.');
      const lines = await note('guests.ndjson', { ...said.content }, mcpReq._meta);
      return text(`Written as guest ${lines}.`);
    },
  );
  return server;
};
