import { Type, type Static } from 'typebox';

const named = (description: string) => ({ additionalProperties: false, description });
const ToolName = '^[^\\s]{1,128}$';

const POLICIES = ['never', 'ask', 'annotations'] as const;

/** One entry of TOOLS: an MCP server. */
export const ToolEntry = Type.Object(
  {
    id: Type.String({
      pattern: '^[a-z0-9]+([-_][a-z0-9]+)*$',
      maxLength: 24,
      description: 'What people see as the server of a tool, and what stands before its name for the model: `id__name`',
    }),
    url: Type.String({ pattern: '^https?://', description: 'Where the server is, e.g. `https://tools.example.org/mcp` (streamable HTTP)' }),
    headersEnv: Type.Optional(
      Type.Record(
        Type.String({ pattern: '^[A-Za-z0-9-]{1,100}$' }),
        Type.String({ pattern: '^[A-Za-z_][A-Za-z0-9_]*$' }),
        named('Headers by the environment variable that holds each, e.g. `{"authorization": "TOOLS_AUTH"}`'),
      ),
    ),
    tools: Type.Optional(Type.Array(Type.String({ pattern: ToolName }), { description: 'The tools that are offered; all when absent' })),
    approval: Type.Optional(
      Type.Record(
        Type.String({ pattern: ToolName }),
        Type.Enum([...POLICIES]),
        named(
          'By tool, or `*` for all others: `never` asks nobody, `ask` asks a person about each call, `annotations` asks nobody where the server says `readOnlyHint`. `{"*": "annotations"}` when absent',
        ),
      ),
    ),
    timeoutMs: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 3_600_000, description: 'How long a call or a list may take; 30,000 when absent' }),
    ),
    maxOutputBytes: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 8_388_608,
        description: 'UTF-8 bytes of one output; longer ones are refused. 65,536 when absent',
      }),
    ),
  },
  { additionalProperties: false },
);
export type ToolEntry = Static<typeof ToolEntry>;

export const ToolEntries = Type.Array(ToolEntry, { maxItems: 32 });

type Env = Readonly<Record<string, string | undefined>>;

/** What entries cannot say about themselves or their neighbours by schema; one line each, that begins with the path. Pure. */
export const toolProblems = (entries: readonly ToolEntry[], env: Env): string[] => {
  const seen = new Set<string>();
  return entries.flatMap(({ id, url, headersEnv = {} }, at) => {
    const found: string[] = [];
    if (seen.has(id)) found.push(`/id is ${id}, as another's is: each server has an id of its own`);
    seen.add(id);
    if (!URL.canParse(url)) found.push('/url is no address that can be read');
    else if (new URL(url).password !== '' || new URL(url).username !== '') found.push('/url holds a password: headersEnv is for that');
    for (const [name, variable] of Object.entries(headersEnv))
      if (!env[variable]) found.push(`/headersEnv/${name} is ${variable}, which is not set in the environment`);
    return found.map((problem) => `TOOLS /${at}${problem} (server ${id})`);
  });
};

export const TIMEOUT_MS = 30_000;
export const OUTPUT_BYTES = 65_536;
