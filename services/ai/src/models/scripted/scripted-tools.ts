import type { Clock } from '../../runs/clock.ts';
import { paced } from '../pace.ts';
import { isPrompt, type Delta, type ModelMessage, type ToolSpec } from '../provider.ts';

/** A call that a model without intelligence makes: as a prompt names it. */
export interface ScriptedCall {
  /** `server__tool`, or the bare name when no such tool is offered. */
  name: string;
  input: object;
}

/** What has happened in this answer so far: a request to the model that ended with calls is a step. */
export interface Story {
  steps: number;
  results: { name: string; content: string }[];
}

const contentOf = (content: unknown): string => (typeof content === 'string' ? content : '');

/** Reads it from what the model is asked. Pure. */
export const storyOf = (messages: readonly ModelMessage[]): Story => {
  const answer = messages.slice(messages.findLastIndex(isPrompt) + 1);
  const names = new Map<string, string>();
  const story: Story = { steps: 0, results: [] };
  for (const { turn } of answer) {
    if (turn?.tool_calls) story.steps++;
    for (const call of turn?.tool_calls ?? []) names.set(call.id, call.function?.name ?? '');
    if (turn?.role === 'tool') story.results.push({ name: names.get(turn.tool_call_id ?? '') ?? '', content: contentOf(turn.content) });
  }
  return story;
};

/** The tool's own name: what stands behind its server's. */
export const bareName = (specName: string): string => specName.slice(specName.indexOf('__') < 0 ? 0 : specName.indexOf('__') + 2);

export const toolNamed = (tools: readonly ToolSpec[], name: string): ToolSpec | undefined =>
  tools.find((tool) => tool.name === name || bareName(tool.name) === name);

const PIECE = /[\s\S]{1,12}/g;

/** The calls as a provider streams them: names first, arguments in pieces. */
export async function* streamCalls(
  calls: readonly ScriptedCall[],
  { step, gapMs, clock, signal }: { step: number; gapMs: number; clock: Clock; signal: AbortSignal },
): AsyncGenerator<Delta> {
  for (const [i, { name, input }] of calls.entries()) {
    const id = `call-${step}-${i}`;
    yield { call: { key: id, id, name, input: '' } };
    for await (const { text } of paced(JSON.stringify(input).match(PIECE) ?? [], () => gapMs, clock, signal))
      yield { call: { key: id, input: text } };
    if (signal.aborted) return;
  }
  yield { finish: 'tools' };
}
