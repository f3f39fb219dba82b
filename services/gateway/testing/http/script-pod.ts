import { hash } from 'node:crypto';
import type { ClaimRunResult, EndRun, RunLog, StoredMessage } from '@runnel/coordination';
import { RunnelError } from '@runnel/protocol';
import { MODEL_INPUTS, MODEL_PARAM_NAMES, type ModelInfo, type ModelRequest } from '@runnel/protocol/http';
import { PartWriter } from '../part-writer.ts';
import type { Dispatcher } from '../../src/dispatch/dispatch.ts';
import type { ModelCatalogue } from '../../src/dispatch/model-catalogue.ts';

/** One run in the hands of a script. */
export interface ScriptRun {
  runId: string;
  conversationId: string;
  /** From the root to the message to answer: what a model would be asked with. */
  messages: StoredMessage[];
  /** What the caller asks of the model. */
  request: ModelRequest | undefined;
  parts: PartWriter;
  say(text: string): Promise<string>;
  end(outcome?: Partial<Pick<EndRun, 'reason' | 'finish' | 'usage' | 'error'>>): Promise<string>;
  /** Another pod takes the run over and has to begin again. */
  restart(): Promise<void>;
}

export interface ScriptPod extends Dispatcher {
  readonly runs: ScriptRun[];
  models: ModelCatalogue;
}

type Claimed = Extract<ClaimRunResult, { outcome: 'claimed' }>;

export const MODEL = 'script';
const info = (more: Partial<ModelInfo>) => ({
  id: MODEL,
  name: 'Script',
  provider: 'test',
  canContinue: true,
  default: true,
  accepts: [...MODEL_PARAM_NAMES, ...MODEL_INPUTS],
  ...more,
});

/** Stands for the AI pods: every dispatched run is claimed and handed to the script. */
export const scriptPod = (runLog: RunLog, script: (run: ScriptRun) => unknown, more: Partial<ModelInfo> = {}): ScriptPod => {
  const runs: ScriptRun[] = [];
  const model = info(more);
  const claim = async (ref: { conversationId: string; runId: string }, canContinue: boolean): Promise<Claimed | null> => {
    const claimed = await runLog.claimRun({ ...ref, owner: 'script', leaseMs: 60_000, models: { [MODEL]: canContinue } });
    return claimed.outcome === 'claimed' ? claimed : null;
  };
  return {
    runs,
    models: {
      list: async () => [model],
      find: (id) => (id === MODEL ? model : undefined),
      resolve: async (id) => (id === undefined || id === MODEL ? MODEL : Promise.reject(new RunnelError('model-unknown'))),
      close: () => undefined,
    },
    async dispatch({ conversationId, runId }) {
      const ref = { conversationId, runId };
      const claimed = await claim(ref, true);
      if (!claimed) return 'queued';
      let { epoch, text } = claimed;
      const parts = new PartWriter(runLog, () => ({ ...ref, epoch, text }), claimed.parts);
      const run: ScriptRun = {
        ...ref,
        parts,
        messages: claimed.messages,
        request: claimed.request === undefined ? undefined : (JSON.parse(claimed.request) as ModelRequest),
        async say(more) {
          const { outcome } = await runLog.appendChunk({ ...ref, epoch, at: Buffer.byteLength(text), text: more, t: Date.now() });
          if (outcome === 'appended') text += more;
          return outcome;
        },
        async end(end = {}) {
          const proof = { bytes: Buffer.byteLength(text), sha256: hash('sha256', text, 'hex') };
          return (await runLog.endRun({ ...ref, epoch, reason: 'complete', ...proof, ...parts.ending(), ...end })).outcome;
        },
        async restart() {
          await runLog.releaseRun({ ...ref, epoch });
          ({ epoch, text } = (await claim(ref, false))!);
        },
      };
      runs.push(run);
      void script(run);
      return 'accepted';
    },
    close: () => undefined,
  };
};
