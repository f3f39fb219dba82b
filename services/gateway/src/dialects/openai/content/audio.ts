import { refuse } from '../api-error.ts';
import { fieldOf } from './field.ts';

const FORMATS = new Set(['wav', 'mp3']);

/** A recording goes to the model's provider as it came. Null: the part is none. @throws ApiError */
export const audioPart = (part: { type?: unknown }, param: string): { part: Record<string, unknown>; shown: string } | null => {
  if (part.type !== 'input_audio') return null;
  const audio = fieldOf(part, 'input_audio');
  const [data, format] = [fieldOf(audio, 'data'), fieldOf(audio, 'format')];
  if (typeof data !== 'string') return refuse(`${param}.input_audio.data`, 'must be a string.', 'invalid_type');
  if (typeof format !== 'string' || !FORMATS.has(format))
    return refuse(`${param}.input_audio.format`, 'must be wav or mp3.', 'invalid_value');
  const kib = Math.max(1, Math.round((data.length * 3) / 4 / 1024));
  return { part: { type: 'input_audio', input_audio: { data, format } }, shown: `[audio/${format}, ${kib} KiB]` };
};
