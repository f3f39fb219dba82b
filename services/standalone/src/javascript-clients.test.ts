import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { linesOf, outsideClients } from '../testing/outside-clients.ts';

const told = (script: string, ...more: string[]): Promise<string[]> =>
  linesOf(process.execPath, (url) => [join(outsideClients ?? '', script), url, ...more], 80_000);

describe.skipIf(outsideClients === undefined)('useChat in React (skipped without npm run clients)', () => {
  test.each(['default', 'workflow', 'websocket'])(
    'with its transport %s goes on in a page that is opened again, and stops for everybody',
    async (form) => {
      expect(await told('use-chat.mjs', form)).toEqual([`${form}-resumed`, `${form}-stopped`]);
    },
    90_000,
  );
});

test.skipIf(outsideClients === undefined)(
  'the AI SDK’s providers for OpenAI’s protocols and LangChain’s work unchanged, whole and streamed (skipped without npm run clients)',
  async () => {
    const names = ['ai-sdk-responses', 'ai-sdk-chat', 'ai-sdk-compatible', 'ai-sdk-open-responses', 'langchain', 'langchain-responses'];
    expect(await told('openai-shaped.mjs')).toEqual(names.flatMap((name) => [name, `${name}-streamed`]));
  },
  60_000,
);

test.skipIf(outsideClients === undefined)(
  'CopilotKit’s client finds the agents, connects again in the middle of an answer, and stops it (skipped without npm run clients)',
  async () => {
    expect(await told('copilotkit.mjs')).toEqual(['copilotkit', 'copilotkit-connected', 'copilotkit-stopped']);
  },
  60_000,
);
