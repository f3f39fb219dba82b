import type { RunLog, RunRef } from '@runnel/coordination';
import { closePart, type Part, type PartField } from '@runnel/protocol';

/** The parts of one run as its owner writes them. */
export class PartWriter {
  readonly parts: Part[];
  readonly #runLog: RunLog;
  readonly #run: () => RunRef & { epoch: number; text: string };

  constructor(runLog: RunLog, run: () => RunRef & { epoch: number; text: string }, parts: readonly Part[] = []) {
    this.#runLog = runLog;
    this.#run = run;
    this.parts = [...parts];
  }

  /** A new part, or a known one with other fields. Its streamed fields come by `stream`. */
  async put(change: Partial<Part> & Pick<Part, 'partId'>): Promise<Part> {
    const { conversationId, runId, epoch, text } = this.#run();
    const known = this.parts.find(({ partId }) => partId === change.partId);
    const fresh = { index: this.parts.length, at: Buffer.byteLength(text), kind: 'reasoning' as const, state: 'open' as const };
    const part: Part = { ...fresh, ...known, ...change };
    const { outcome } = await this.#runLog.putPart({ conversationId, runId, epoch, part, from: known?.state ?? null });
    if (outcome !== 'put') throw new Error(`a part was ${outcome}`);
    this.parts[part.index] = part;
    return part;
  }

  async stream(partId: string, field: PartField, text: string): Promise<void> {
    const { conversationId, runId, epoch } = this.#run();
    const part = this.parts.find((each) => each.partId === partId)!;
    const at = Buffer.byteLength(part[field] ?? '');
    const { outcome } = await this.#runLog.appendPartChunk({ conversationId, runId, epoch, partId, field, at, text, t: Date.now() });
    if (outcome !== 'appended') throw new Error(`a part's piece was ${outcome}`);
    this.parts[part.index] = { ...part, [field]: (part[field] ?? '') + text };
  }

  /** Nobody holds the run until people have decided about these. */
  async park(partIds: readonly string[]): Promise<string> {
    const { conversationId, runId, epoch, text } = this.#run();
    return (await this.#runLog.parkRun({ conversationId, runId, epoch, partIds, bytes: Buffer.byteLength(text) })).outcome;
  }

  /** As `endRun` takes them. */
  ending() {
    const parts = this.parts.map((part) => ({ from: part.state, part: closePart(part, 'interrupted', Date.now()) }));
    return parts.length > 0 ? { parts } : {};
  }
}
