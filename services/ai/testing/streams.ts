import type { ChatProvider, Delta, ModelRequest } from '../src/models/provider.ts';

export const NEVER = new AbortController().signal;

export const ask = (prompt: string, prefix = ''): ModelRequest => ({ model: 'test', messages: [{ role: 'user', text: prompt }], prefix });

/** All the deltas of a stream. */
export const collect = async (stream: AsyncIterable<Delta>): Promise<Delta[]> => {
  const deltas: Delta[] = [];
  for await (const delta of stream) deltas.push(delta);
  return deltas;
};

/** The whole text of a stream. */
export const textOf = async (provider: ChatProvider, request: ModelRequest, signal: AbortSignal = NEVER): Promise<string> =>
  (await collect(provider.stream(request, signal))).map((delta) => ('text' in delta ? delta.text : '')).join('');
