import type { Turn } from '@runnel/protocol/http';
import { audioPart } from './audio.ts';
import type { InlineFile } from './inline-files.ts';
import { refuse } from '../api-error.ts';
import type { ReadTurn } from './thread.ts';

/** What a part of a message says, in the words of one of the two APIs. */
export interface PartReader {
  /** Undefined: it is no text. */
  text(part: Record<string, unknown>, at: string): string | undefined;
  /** Null: it is no file. `ordinal`: from 1, among the files of its message. */
  file(part: Record<string, unknown>, at: string, ordinal: number): InlineFile | null;
}

export type ReadContent = Pick<ReadTurn, 'shown' | 'needs' | 'files'> & { content: NonNullable<Turn['content']> };

export const textContent = (text: string): ReadContent => ({ content: text, shown: text, needs: [], files: [] });

/** A message of parts: its text, its files apart, and its recordings, which the model's provider gets as they came. @throws ApiError */
export const readParts = (parts: readonly unknown[], role: string, param: string, reader: PartReader): ReadContent => {
  const files: InlineFile[] = [];
  const needs: { input: 'input_audio'; param: string }[] = [];
  const told: { shown: string; part: Record<string, unknown> }[] = [];
  for (const [index, part] of parts.entries()) {
    const at = `${param}[${index}]`;
    if (typeof part !== 'object' || part === null) return refuse(at, 'must be an object.', 'invalid_type');
    const text = reader.text(part as Record<string, unknown>, at)?.toWellFormed();
    const file = text === undefined && role === 'user' ? reader.file(part as Record<string, unknown>, at, files.length + 1) : null;
    const audio = text === undefined && !file && role === 'user' ? audioPart(part, at) : null;
    if (text !== undefined) told.push({ shown: text, part: { type: 'text', text } });
    else if (file) files.push(file);
    else if (audio) {
      needs.push({ input: 'input_audio', param: at });
      told.push(audio);
    } else return refuse(at, 'is of a type that is not understood.');
  }
  const shown = told.map((one) => one.shown).filter((text, _, all) => all.length === 1 || text !== '');
  if (needs.length > 0) return { content: told.map(({ part }) => part), shown: shown.join('\n'), needs, files };
  const text = shown.join(files.length > 0 ? '\n' : '');
  return { content: text, shown: text, needs, files };
};
