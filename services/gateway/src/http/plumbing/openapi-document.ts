import type { TSchema } from 'typebox';
import { ApiKey, ConversationSummary, Message, ModelInfo, PartSchema, TrailEntry } from '@runnel/protocol/http';
import { OpenAiError, Problem } from './schemas.ts';

/** What several answers hold, by the name under which a generated client finds it. A schema that holds another stands before it. */
const NAMED: Record<string, TSchema> = {
  ConversationSummary,
  Message,
  Part: PartSchema,
  ModelInfo,
  ApiKey,
  TrailEntry,
  Problem,
  OpenAiError,
};

/** The groups of the document, in the order in which they are shown. */
export const TAGS = [
  { name: 'Commands', description: 'What changes a conversation: the same as the frames of the WebSocket, and equally idempotent' },
  { name: 'Events', description: 'What happens in a conversation, as it happens' },
  { name: 'History', description: 'What was said, search, and answers as they were written' },
  { name: 'Conversations', description: 'Whose they are, what they are called, and who asks' },
  { name: 'Settings', description: 'What people set for themselves, the same on every device' },
  { name: 'Models', description: 'What can answer' },
  { name: 'Files', description: 'Resumable uploads (tus 1.0), downloads, previews' },
  { name: 'Keys and sessions', description: 'How programs and people are let in, and shut out' },
  { name: 'Audit', description: 'The trail, and whether it is whole' },
  { name: 'OpenAI-compatible', description: 'Chat Completions and Responses, for any OpenAI client' },
  { name: 'Durable Streams', description: 'The log of a conversation, for `@durable-streams/client`' },
  { name: 'AI SDK', description: 'The UI message stream, for `useChat`' },
  { name: 'AG-UI', description: 'Agents, for `@ag-ui/client` and CopilotKit' },
];

interface Operation {
  summary?: string;
  description?: string;
  responses?: Record<string, unknown>;
}
type Document = { paths?: Record<string, Record<string, Operation>>; components?: Record<string, unknown> };

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;

/**
 * What tells a schema from others: its descriptions and the names of its fields, at any depth. Not all of it, since the plugin writes
 * a constant, a null and a record in words of its own.
 */
const signatureOf = (value: unknown): string => {
  const said: unknown[] = [];
  const walk = (held: unknown): void => {
    if (!isObject(held)) return;
    if (typeof held['description'] === 'string') said.push(held['description']);
    if (isObject(held['properties'])) said.push(Object.keys(held['properties']), held['required']);
    Object.values(held).forEach(walk);
  };
  walk(value);
  return JSON.stringify(said);
};

/** The same value with each schema that has a name as a reference to it. `inside`: the name whose own definition this is. */
const named = (value: unknown, names: ReadonlyMap<string, string>, inside?: string): unknown => {
  if (Array.isArray(value)) return value.map((item) => named(item, names));
  if (!isObject(value)) return value;
  const name = isObject(value['properties']) ? names.get(signatureOf(value)) : undefined;
  if (name !== undefined && name !== inside) return { $ref: `#/components/schemas/${name}` };
  return Object.fromEntries(Object.entries(value).map(([key, held]) => [key, named(held, names)]));
};

/**
 * What tools for OpenAPI want of a document beyond what the routes say: schemas with names instead of copies, an error for each
 * operation under `4XX` too (`default` has always been all errors), and a description where the summary says everything. Pure.
 */
export const finishDocument = <T extends object>(document: T): T => {
  const { paths = {}, components, ...rest } = JSON.parse(JSON.stringify(document)) as Document;
  const names = new Map(Object.entries(NAMED).map(([name, schema]) => [signatureOf(schema), name]));
  for (const operation of Object.values(paths).flatMap((operations) => Object.values(operations))) {
    if (operation.summary !== undefined) operation.description ??= operation.summary;
    const { default: error, ...answers } = operation.responses ?? {};
    if (error !== undefined) operation.responses = { ...answers, '4XX': error, default: error };
  }
  const schemas = Object.fromEntries(
    Object.entries(NAMED).map(([name, schema]) => [name, named(JSON.parse(JSON.stringify(schema)), names, name)]),
  );
  return { ...rest, paths: named(paths, names), components: { ...components, schemas } } as T;
};
