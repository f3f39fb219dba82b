import { hash } from 'node:crypto';
import {
  isFinal,
  isWaiting,
  PART_FIELDS,
  sealOf,
  shownPart,
  sumOf,
  utf8Length,
  type Part,
  type PartState,
  type PartsSum,
} from '@runnel/protocol';
import type { AuditData } from '@runnel/protocol/audit';
import type { EndingPart } from './run-log/parts.ts';

export const digestOf = (text: string): string => hash('sha256', text, 'hex');

/** Bytes that the store keeps of a part's streamed fields; a question's text comes with its event. */
export const streamedBytes = (part: Part): number =>
  part.kind === 'question' ? 0 : PART_FIELDS.reduce((sum, field) => sum + utf8Length(part[field] ?? ''), 0);

/** What the store keeps beside its JSON: text, input, output. */
export const streamedOf = (part: Part): string[] => PART_FIELDS.map((field) => (part.kind === 'question' ? '' : (part[field] ?? '')));

/** `sameparts.lua`: state and bytes of each part, by its id. */
export const standingOf = (parts: readonly Part[]): Record<string, string> =>
  Object.fromEntries(parts.map((part) => [part.partId, `${part.state} ${streamedBytes(part)}`]));
export const standingJson = (parts: readonly Part[]): string => JSON.stringify(standingOf(parts));

/** A part whose text cannot be torn: a lone surrogate is what encoders make of it. */
const wellFormed = (value: unknown): unknown => {
  if (typeof value === 'string') return value.toWellFormed();
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return Array.isArray(value) ? value.map(wellFormed) : value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, wellFormed(inner)]));
};

/** As events and the store have it: without what is streamed, sealed in a final state. Scripts read its beginning (`stateof`). */
export const bare = (part: Part): Part => {
  const { partId, index, at, kind, state, text, input: _input, output: _output, bytes: _b, sha256: _s, ...rest } = part;
  const said = kind === 'question' && text !== undefined ? { text } : {};
  const seal = isFinal(part) || kind === 'file' ? sealOf(part, digestOf) : {};
  return wellFormed({ partId, index, at, kind, state, ...said, ...rest, ...seal }) as Part;
};
export const partJson = (part: Part): string => JSON.stringify(bare(part));

/** The whole part, for the tables that people read. */
const wholeJson = (part: Part): string => {
  const streamed = Object.fromEntries(PART_FIELDS.flatMap((field) => (part[field] === undefined ? [] : [[field, part[field]]])));
  return JSON.stringify({ ...bare(part), ...(wellFormed(streamed) as object) });
};

/** A file by what it is and its digest: its name is a person's words, and is told with the part. */
const fileFacts = ({ fileId = '', mediaType = '', bytes = 0, sha256 = '' }: Part) => ({ fileId, mediaType, bytes, sha256 });

const IS_DECIDED: ReadonlySet<PartState> = new Set(['approved', 'running']);

type Facts = Omit<AuditData['PART_CHANGED'], 'userId' | 'runId'>;

/**
 * What the audit is told. The content goes along where people may have to find it again: when it waits, and in the end; and while a call is
 * made, so that a store which forgot an answer does not hear from the database that nobody has called yet (W-19).
 */
export const factsOf = (part: Part, { isEnding = false } = {}): Facts => ({
  partId: part.partId,
  index: part.index,
  kind: part.kind,
  state: part.state,
  ...(part.kind === 'tool' && part.name !== undefined && { tool: part.server === undefined ? part.name : `${part.server}__${part.name}` }),
  ...(part.attempt !== undefined && { attempt: part.attempt }),
  ...(part.error && { code: part.error.code }),
  ...(part.kind === 'file' && { file: fileFacts(part) }),
  ...((isEnding || isFinal(part) || isWaiting(part) || IS_DECIDED.has(part.state)) && { text: wholeJson(part) }),
});

/** What a person's message brings along, with what the audit is told of each. */
export const filesOf = ({ parts = [] }: { parts?: readonly Part[] }): { part: Part; facts: Facts }[] =>
  parts.filter(({ kind }) => kind === 'file').map((part) => ({ part: bare(part), facts: factsOf(part) }));

/** A part from what a script answers: JSON, text, input, output. Null for what cannot be read. */
export const readPart = (json: string, text: string, input: string, output: string): Part | null => {
  try {
    const part = JSON.parse(json) as Part;
    const said = text !== '' || part.kind === 'reasoning' ? { text } : {};
    const used = part.kind === 'tool' ? { input, ...(output !== '' && { output }) } : {};
    return { ...part, ...said, ...used };
  } catch {
    return null;
  }
};

/** As the store gives it back. */
export const normalPart = (part: Part): Part => {
  const [text = '', input = '', output = ''] = streamedOf(part).map((content) => content.toWellFormed());
  return readPart(partJson(part), text, input, output)!;
};

export const byIndex = (parts: readonly Part[]): Part[] => parts.toSorted((a, b) => a.index - b.index);

/** What an end says of its parts, and what its message keeps of them; nothing without parts. */
export const endOfParts = (parts: readonly EndingPart[] | undefined): { parts?: Part[]; sum?: PartsSum } => {
  if (parts === undefined || parts.length === 0) return {};
  const sealed = parts.map(({ part }) => JSON.parse(wholeJson({ ...part })) as Part);
  return { parts: sealed.map(shownPart), sum: sumOf(sealed, digestOf) };
};

/** What `end-run` is given: [partId, state, bytes, JSON as it becomes or '', facts]. */
export const endingList = (parts: readonly EndingPart[]): (string | number)[][] =>
  parts.map(({ from, part }) => [
    part.partId,
    from,
    streamedBytes(part),
    ...(from === part.state && from !== 'unknown' ? ['', ''] : [partJson(part), JSON.stringify(factsOf(part, { isEnding: true }))]),
  ]);

/** The state under which its content came, for a log that is written anew. */
export const asBegun = (part: Part): Part => {
  const { error: _e, endedAt: _t, ...rest } = part;
  return isFinal(part) && streamedBytes(part) > 0 ? { ...rest, state: part.kind === 'tool' ? 'running' : 'open' } : part;
};
