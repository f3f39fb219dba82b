import { RunnelError } from '@runnel/protocol';
import { useClient } from '@runnel/vue';
import { onScopeDispose, ref, type Ref } from 'vue';
import { endsWhole, TAIL_BYTES } from '../../lib/own/everything.ts';
import { download } from '../download.ts';

/** A server that says nothing for so long (ms) has gone. */
const SILENCE_MS = 60_000;
/** Pieces are joined at this size (bytes): browsers put such a one on the disk. */
const JOINED = 8 * 1024 * 1024;

export interface Everything {
  /** Bytes that have come; null: nothing is on its way. */
  bytes: Ref<number | null>;
  /** All that is kept of the reader, as a file; `cut`: it broke off and nothing is saved. Rejects when it does not begin. */
  save(): Promise<'saved' | 'cut' | 'stopped'>;
  stop(): void;
}

export const useEverything = (): Everything => {
  const client = useClient();
  const bytes = ref<number | null>(null);
  let stopped: AbortController | null = null;
  const stop = (): void => stopped?.abort();
  onScopeDispose(stop);

  const read = async (response: Response, abort: AbortController): Promise<Blob | null> => {
    const reader = response.body!.getReader();
    let [whole, pieces, size, tail] = [new Blob(), [] as BlobPart[], 0, new Uint8Array()];
    let silent: ReturnType<typeof setTimeout> | undefined;
    try {
      for (;;) {
        silent = setTimeout(() => abort.abort(), SILENCE_MS);
        const { done, value } = await reader.read();
        clearTimeout(silent);
        if (done) break;
        pieces.push(value);
        size += value.byteLength;
        bytes.value = (bytes.value ?? 0) + value.byteLength;
        tail = new Uint8Array([...tail, ...value.slice(-TAIL_BYTES)]).slice(-TAIL_BYTES);
        if (size > JOINED) [whole, pieces, size] = [new Blob([whole, ...pieces]), [], 0];
      }
    } catch {
      return null;
    } finally {
      clearTimeout(silent);
    }
    return endsWhole(new TextDecoder().decode(tail)) ? new Blob([whole, ...pieces], { type: 'application/x-ndjson' }) : null;
  };

  return {
    bytes,
    stop: () => stop(),
    async save() {
      const abort = new AbortController();
      let byHand = false;
      stopped = { signal: abort.signal, abort: () => ((byHand = true), abort.abort()) };
      bytes.value = 0;
      try {
        const response = await client.person.everything(abort.signal);
        const file = await read(response, abort);
        if (file === null) return byHand ? 'stopped' : 'cut';
        download(file, `runnel-${new Date().toISOString().slice(0, 10)}.ndjson`);
        return 'saved';
      } catch (error) {
        if (byHand) return 'stopped';
        throw error instanceof RunnelError ? error : new RunnelError('unavailable', undefined, { cause: error });
      } finally {
        bytes.value = null;
        stopped = null;
      }
    },
  };
};
