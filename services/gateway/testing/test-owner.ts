import { hash } from 'node:crypto';
import type { RunLog, RunRef } from '@runnel/coordination';
import { closePart, type Finish, type Part, type PartField } from '@runnel/protocol';

interface Owned extends RunRef {
  epoch: number;
  text: string;
  parts: Part[];
}

/** Stands for an AI pod: claims what is dispatched and says what the test tells it to. */
export class TestOwner {
  readonly #runLog: RunLog;
  readonly #runs = new Map<string, Owned>();

  constructor(runLog: RunLog) {
    this.#runLog = runLog;
  }

  get runs(): readonly string[] {
    return [...this.#runs.keys()];
  }

  async claim(run: RunRef): Promise<void> {
    const claim = await this.#runLog.claimRun({ ...run, owner: 'test', leaseMs: 60_000, models: { default: true } });
    if (claim.outcome === 'claimed')
      this.#runs.set(run.runId, { ...run, epoch: claim.epoch, text: claim.text, parts: [...(claim.parts ?? [])] });
  }

  async say(runId: string, text: string): Promise<string> {
    const run = this.#run(runId);
    const at = Buffer.byteLength(run.text);
    const { conversationId, epoch } = run;
    const { outcome } = await this.#runLog.appendChunk({ conversationId, runId, epoch, at, text, t: Date.now() });
    if (outcome === 'appended') run.text += text;
    return outcome;
  }

  /** A new part, or a known one with other fields. Its streamed fields come by `stream`. */
  async part(runId: string, change: Partial<Part> & Pick<Part, 'partId'>): Promise<Part> {
    const { conversationId, epoch, text, parts } = this.#run(runId);
    const known = parts.find(({ partId }) => partId === change.partId);
    const fresh = { index: parts.length, at: Buffer.byteLength(text), kind: 'reasoning' as const, state: 'open' as const };
    const part: Part = { ...fresh, ...known, ...change };
    const { outcome } = await this.#runLog.putPart({ conversationId, runId, epoch, part, from: known?.state ?? null });
    if (outcome !== 'put') throw new Error(`a part was ${outcome}`);
    parts[part.index] = part;
    return part;
  }

  async stream(runId: string, partId: string, field: PartField, text: string): Promise<void> {
    const { conversationId, epoch, parts } = this.#run(runId);
    const part = parts.find((each) => each.partId === partId)!;
    const at = Buffer.byteLength(part[field] ?? '');
    const { outcome } = await this.#runLog.appendPartChunk({ conversationId, runId, epoch, partId, field, at, text, t: Date.now() });
    if (outcome !== 'appended') throw new Error(`a part's piece was ${outcome}`);
    parts[part.index] = { ...part, [field]: (part[field] ?? '') + text };
  }

  /** Nobody holds the run until people have decided; then whoever is told of it claims it. */
  async park(runId: string, partIds: readonly string[]): Promise<string> {
    const { conversationId, epoch, text } = this.#run(runId);
    return (await this.#runLog.parkRun({ conversationId, runId, epoch, partIds, bytes: Buffer.byteLength(text) })).outcome;
  }

  async end(runId: string, finish?: Finish): Promise<string> {
    const { conversationId, epoch, text, parts: held } = this.#run(runId);
    const proof = { bytes: Buffer.byteLength(text), sha256: hash('sha256', text, 'hex') };
    const parts = held.map((part) => ({ from: part.state, part: closePart(part, 'interrupted', Date.now()) }));
    const { outcome } = await this.#runLog.endRun({
      ...{ conversationId, runId, epoch, reason: 'complete', ...proof },
      ...(finish && { finish }),
      ...(parts.length > 0 && { parts }),
    });
    return outcome;
  }

  text(runId: string): string {
    return this.#run(runId).text;
  }

  #run(runId: string): Owned {
    const run = this.#runs.get(runId);
    if (run === undefined) throw new Error(`${runId} was never dispatched`);
    return run;
  }
}
