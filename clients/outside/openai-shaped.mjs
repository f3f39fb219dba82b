// Clients for JavaScript that speak OpenAI's protocols: the AI SDK's providers and LangChain's. Prints a word for each thing that holds.
//   node openai-shaped.mjs <url of a Runnel>
import { createOpenAI } from '@ai-sdk/openai';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { createOpenResponses } from '@ai-sdk/open-responses';
import { ChatOpenAI } from '@langchain/openai';
import { generateText, streamText } from 'ai';

const [url] = process.argv.slice(2);
const baseURL = `${url}/v1`;
const apiKey = 'any';
const WORDS = 5;
const due = Array.from({ length: WORDS }, (_, i) => `w${String(i + 1).padStart(6, '0')}`).join(' ');
const prompt = `count ${WORDS} at 200`;
const check = (name, holds, seen) => {
  if (!holds) throw new Error(`${name}: ${JSON.stringify(seen)}`);
  console.log(name);
};

const openai = createOpenAI({ baseURL, apiKey });
const models = {
  'ai-sdk-responses': openai.responses('count'),
  'ai-sdk-chat': openai.chat('count'),
  'ai-sdk-compatible': createOpenAICompatible({ name: 'runnel', baseURL, apiKey, includeUsage: true })('count'),
  'ai-sdk-open-responses': createOpenResponses({ name: 'runnel', url: `${baseURL}/responses`, apiKey })('count'),
};
for (const [name, model] of Object.entries(models)) {
  const whole = await generateText({ model, prompt, maxRetries: 0 });
  check(name, whole.text.trim() === due && whole.finishReason === 'stop' && whole.usage.outputTokens > 0, whole.text);
  const streamed = streamText({ model, prompt, maxRetries: 0 });
  let text = '';
  for await (const piece of streamed.textStream) text += piece;
  check(`${name}-streamed`, text.trim() === due && (await streamed.finishReason) === 'stop', text);
}

for (const [name, useResponsesApi] of [
  ['langchain', false],
  ['langchain-responses', true],
]) {
  const model = new ChatOpenAI({ model: 'count', apiKey, useResponsesApi, maxRetries: 0, configuration: { baseURL } });
  const whole = await model.invoke(prompt);
  check(name, whole.text.trim() === due, whole.text);
  let text = '';
  for await (const piece of await model.stream(prompt)) text += piece.text;
  check(`${name}-streamed`, text.trim() === due, text);
}
