import type { ModelInput } from '@runnel/protocol/http';
import { refuse } from './api-error.ts';

/** A part of a message that is no text, as the model's provider gets it, and as people read it in the conversation. */
export interface FilePart {
  part: Record<string, unknown>;
  input: ModelInput;
  shown: string;
}

const DATA_URL = /^data:([\w.+/-]{1,100})(?:;[\w=.+-]{1,100})*;base64,([A-Za-z0-9+/=\s]*)$/;
const FORMATS = new Set(['wav', 'mp3']);

const shownOf = (mediaType: string, base64: string, name?: string): string =>
  `[${name ?? mediaType}, ${Math.max(1, Math.round((base64.length * 3) / 4 / 1024))} KiB]`;

const fieldOf = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined;

/** A data URL and nothing else: what lies at an address of the caller's choosing is fetched by nobody here, nor by the provider. */
const dataOf = (url: unknown, param: string): { mediaType: string; base64: string } => {
  if (typeof url !== 'string') return refuse(param, 'must be a string.', 'invalid_type');
  const [, mediaType, base64] = DATA_URL.exec(url) ?? [];
  if (mediaType === undefined || base64 === undefined) return refuse(param, 'must be a base64 data: URL.', 'invalid_value');
  return { mediaType, base64 };
};

/** The parts of messages that are files. Null: it is none of them. */
export const filePart = (part: { type: string }, param: string): FilePart | null => {
  switch (part.type) {
    case 'image_url': {
      const image = fieldOf(part, 'image_url');
      const url = typeof image === 'string' ? image : fieldOf(image, 'url');
      const { mediaType, base64 } = dataOf(url, `${param}.image_url.url`);
      const detail = fieldOf(image, 'detail');
      if (detail !== undefined && typeof detail !== 'string') refuse(`${param}.image_url.detail`, 'must be a string.', 'invalid_type');
      const told = { type: 'image_url', image_url: { url, ...(detail !== undefined && { detail }) } };
      return { part: told, input: 'image_url', shown: shownOf(mediaType, base64) };
    }
    case 'file': {
      const file = fieldOf(part, 'file');
      if (fieldOf(file, 'file_id') !== undefined) refuse(`${param}.file.file_id`, 'not supported; send `file_data`.');
      const { mediaType, base64 } = dataOf(fieldOf(file, 'file_data'), `${param}.file.file_data`);
      const name = fieldOf(file, 'filename');
      if (name !== undefined && typeof name !== 'string') refuse(`${param}.file.filename`, 'must be a string.', 'invalid_type');
      const told = { type: 'file', file: { file_data: fieldOf(file, 'file_data'), ...(name !== undefined && { filename: name }) } };
      return { part: told, input: 'file', shown: shownOf(mediaType, base64, typeof name === 'string' ? name.slice(0, 100) : undefined) };
    }
    case 'input_audio': {
      const audio = fieldOf(part, 'input_audio');
      const [data, format] = [fieldOf(audio, 'data'), fieldOf(audio, 'format')];
      if (typeof data !== 'string') return refuse(`${param}.input_audio.data`, 'must be a string.', 'invalid_type');
      if (typeof format !== 'string' || !FORMATS.has(format))
        return refuse(`${param}.input_audio.format`, 'must be wav or mp3.', 'invalid_value');
      return {
        part: { type: 'input_audio', input_audio: { data, format } },
        input: 'input_audio',
        shown: shownOf(`audio/${format}`, data),
      };
    }
    default:
      return null;
  }
};
