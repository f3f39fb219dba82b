import { existsSync } from 'node:fs';
import { cpus } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { RunnelError } from '@runnel/protocol';
import { messageText } from './message-blocks.ts';
import type { ChatProvider, Delta, ModelRequest } from './provider.ts';
import { createSlots } from './slots.ts';
import { createTextQueue } from './text-queue.ts';

export interface LocalSettings {
  /** Path of a GGUF file; node-llama-cpp lies in `node_modules` beside it, unless it is installed with the service. */
  file: string;
  temperature?: number | undefined;
  maxOutputTokens?: number | undefined;
}

/** The part of node-llama-cpp used here. It is loaded only when a local model is asked, and not a dependency. */
interface LlamaModule {
  getLlama(options: { gpu: false; build: 'never'; logLevel: 'error' }): Promise<Llama>;
  LlamaChat: new (options: { contextSequence: LlamaSequence }) => LlamaChat;
}
interface Llama {
  loadModel(options: {
    modelPath: string;
  }): Promise<{ createContext(options: { sequences: number; contextSize: number; threads: number }): Promise<LlamaContext> }>;
  dispose(): Promise<void>;
}
interface LlamaContext {
  getSequence(): LlamaSequence;
}
interface LlamaSequence {
  readonly tokenMeter: { getState(): { usedInputTokens: number; usedOutputTokens: number } };
  dispose(): void | Promise<void>;
}
interface LlamaChat {
  generateResponse(
    history: ({ type: 'system' | 'user'; text: string } | { type: 'model'; response: string[] })[],
    options: {
      onTextChunk(text: string): void;
      signal: AbortSignal;
      stopOnAbortSignal: boolean;
      maxTokens: number;
      temperature: number;
      topP: number;
      seed?: number;
    },
  ): Promise<{ metadata?: { stopReason?: string } }>;
  dispose(): void;
}

const SEQUENCES = 4;
const CONTEXT_TOKENS = 4096;

/**
 * A model in this process, on the CPU. It goes on behind a prefix by itself: the chat's last turn is the model's own and
 * unfinished. At most four answers at a time; more wait for one of them, within the first token's timeout.
 */
export const createLocalProvider = (settings: LocalSettings): ChatProvider => {
  const { temperature = 0.2, maxOutputTokens = 1024 } = settings;
  const file = resolve(settings.file);
  let loading: Promise<{ llama: Llama; context: LlamaContext; module: LlamaModule }> | undefined;
  const slots = createSlots(SEQUENCES);

  const load = async () => {
    const module = await importLlama(file);
    const llama = await module.getLlama({ gpu: false, build: 'never', logLevel: 'error' });
    const model = await llama.loadModel({ modelPath: file });
    return {
      llama,
      module,
      context: await model.createContext({ sequences: SEQUENCES, contextSize: CONTEXT_TOKENS, threads: Math.max(1, cpus().length - 1) }),
    };
  };

  const loaded = (): ReturnType<typeof load> =>
    (loading ??= load().catch((cause: unknown) => {
      loading = undefined;
      throw new RunnelError('model-failed', 'The local model cannot be loaded.', { cause });
    }));

  return {
    canContinue: true,
    warmUp: async () => void (await loaded()),

    async *stream(request: ModelRequest, signal: AbortSignal): AsyncGenerator<Delta> {
      const { module, context } = await loaded();
      if (!(await slots.take(signal))) return;
      const sequence = context.getSequence();
      const chat = new module.LlamaChat({ contextSequence: sequence });
      const stop = new AbortController();
      const { params = {} } = request;
      const texts = createTextQueue();
      const generating = chat
        .generateResponse(toHistory(request), {
          onTextChunk: texts.push,
          signal: AbortSignal.any([signal, stop.signal]),
          stopOnAbortSignal: true,
          maxTokens: Math.min(maxOutputTokens, params.max_completion_tokens ?? params.max_tokens ?? maxOutputTokens),
          temperature: params.temperature ?? temperature,
          topP: params.top_p ?? 0.9,
          ...(typeof params.seed === 'number' && { seed: params.seed }),
        })
        .then((answer) => {
          texts.end();
          return answer;
        }, texts.fail);
      try {
        for await (const text of texts) yield { text };
        const { usedInputTokens, usedOutputTokens } = sequence.tokenMeter.getState();
        yield { usage: { promptTokens: usedInputTokens, completionTokens: usedOutputTokens } };
        const answer = await generating;
        yield { finish: answer?.metadata?.stopReason === 'maxTokens' ? 'length' : 'stop' };
      } finally {
        stop.abort();
        // The sequence is in use until the runtime has noticed.
        await generating;
        chat.dispose();
        await sequence.dispose();
        slots.giveBack();
      }
    },

    async close() {
      await (await loading)?.llama.dispose();
    },
  };
};

/** What a caller began is of the turn that is to be gone on with. */
const toHistory = ({ messages, prefix }: ModelRequest): Parameters<LlamaChat['generateResponse']>[0] => {
  const last = messages.at(-1);
  const [thread, begun] = last?.role === 'assistant' ? [messages.slice(0, -1), last.text + prefix] : [messages, prefix];
  return [
    ...thread.map((message) =>
      message.role === 'assistant'
        ? { type: 'model' as const, response: [message.text] }
        : { type: message.role, text: messageText(message) },
    ),
    { type: 'model', response: begun === '' ? [] : [begun] },
  ];
};

const importLlama = async (file: string): Promise<LlamaModule> => {
  const beside = join(dirname(file), 'node_modules', 'node-llama-cpp', 'dist', 'index.js');
  const name = existsSync(beside) ? pathToFileURL(beside).href : 'node-llama-cpp';
  return (await import(name)) as LlamaModule;
};
