import { createHash } from 'node:crypto';
import { AjvJsonSchemaValidator } from '@modelcontextprotocol/client/validators/ajv';
import type { JsonSchemaType, Tool as McpTool } from '@modelcontextprotocol/client';
import { TooSlow, within } from './bounded-work.ts';
import type { Tool } from './toolbox.ts';
import type { ToolEntry } from './tool-entry.ts';

/** Of one server: models take about so many in all. */
const MOST_TOOLS = 100;
const MOST_SCHEMA = 64 * 1024;
const MOST_WORDS = 4_000;
/** Of all schemas of a list: reading them holds up whatever else this pod does. */
const READ_MS = 2_000;
/** Of one check of arguments, and how long none is tried after one that took longer. */
const CHECK_MS = 250;
const REST_MS = 10_000;
/** What both OpenAI and Anthropic take as the name of a function. */
const MOST_NAME = 64;

/**
 * The name a model knows the tool by, `id__name`: letters that no provider takes become `_`, and a digest keeps names apart that would then
 * be one. Pure.
 */
const specName = (server: string, name: string): string => {
  const plain = `${server}__${name}`;
  const tame = plain.replace(/[^A-Za-z0-9_-]/g, '_');
  if (tame === plain && plain.length <= MOST_NAME) return plain;
  const digest = createHash('sha256').update(plain).digest('hex').slice(0, 8);
  return `${tame.slice(0, MOST_NAME - digest.length - 1)}_${digest}`;
};

const policyOf = ({ approval = {} }: ToolEntry, { name, annotations }: McpTool): Tool['policy'] => {
  const policy = approval[name] ?? approval['*'] ?? 'annotations';
  if (policy !== 'annotations') return policy;
  return annotations?.readOnlyHint === true ? 'never' : 'ask';
};

export interface Described {
  tools: Tool[];
  /** Tools that are not offered, and why. */
  left: { name: string; why: string }[];
}

/** A server's tools as runs use them. What a server says is judged here, once: its words are cut, what cannot be checked is left out. */
export const describeTools = (entry: ToolEntry, listed: readonly McpTool[]): Described => {
  const check = createChecks();
  const found: Described = { tools: [], left: [] };
  const seen = new Set<string>();
  for (const tool of listed) {
    if (entry.tools !== undefined && !entry.tools.includes(tool.name)) continue;
    const why = seen.has(tool.name) ? 'there is another of this name' : found.tools.length >= MOST_TOOLS ? 'there are too many' : null;
    seen.add(tool.name);
    const made = why ?? describe(entry, tool, check);
    if (typeof made === 'string') found.left.push({ name: tool.name.slice(0, 128), why: made });
    else found.tools.push(made);
  }
  return found;
};

type Check = (input: unknown) => string | null;
const SLOW = 'The arguments could not be checked in time.';

/** Reads the schemas of one server, whose patterns may cost whatever it likes: for so long, and no longer, and not again at once. */
const createChecks = (): ((schema: JsonSchemaType) => Check | string) => {
  const validator = new AjvJsonSchemaValidator();
  let leftMs = READ_MS;
  let restsUntil = 0;
  return (schema) => {
    const startedAt = performance.now();
    try {
      if (leftMs <= 0) throw new TooSlow();
      const validate = within(leftMs, () => validator.getValidator(schema));
      return (input) => {
        if (performance.now() < restsUntil) return SLOW;
        try {
          const { valid, errorMessage } = within(CHECK_MS, () => validate(input));
          return valid ? null : `The arguments do not fit: ${errorMessage ?? 'the schema says so'}`.slice(0, 1_000);
        } catch (error) {
          if (!(error instanceof TooSlow)) throw error;
          restsUntil = performance.now() + REST_MS;
          return SLOW;
        }
      };
    } catch (error) {
      return error instanceof TooSlow ? 'the schema of its arguments takes too long to read' : 'the schema of its arguments cannot be read';
    } finally {
      leftMs -= performance.now() - startedAt;
    }
  };
};

const describe = (entry: ToolEntry, tool: McpTool, checkOf: ReturnType<typeof createChecks>): Tool | string => {
  const { name, inputSchema, annotations, description = '' } = tool;
  if (name === '' || name.length > 128) return 'its name is empty or too long';
  if (JSON.stringify(inputSchema).length > MOST_SCHEMA) return 'the schema of its arguments is too large';
  const check = checkOf(inputSchema as JsonSchemaType);
  if (typeof check === 'string') return check;
  const title = tool.title ?? annotations?.title;
  return {
    server: entry.id,
    name,
    ...(title !== undefined && title !== '' && { title: title.slice(0, 200) }),
    policy: policyOf(entry, tool),
    repeatable: annotations?.readOnlyHint === true || annotations?.idempotentHint === true,
    spec: { name: specName(entry.id, name), description: description.slice(0, MOST_WORDS), parameters: inputSchema },
    check,
  };
};
