import { hash } from 'node:crypto';
import type { RunLog, RunRef } from '@runnel/coordination';
import type { Part, PartField } from '@runnel/protocol';
import { PartWriter } from './part-writer.ts';

interface Owned extends RunRef {
  epoch: number;
  text: string;
  writer: PartWriter;
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
    if (claim.outcome !== 'claimed') return;
    const { epoch, text, parts } = claim;
    const writer = new PartWriter(this.#runLog, () => this.#run(run.runId), parts);
    this.#runs.set(run.runId, { ...run, epoch, text, writer });
  }

  async say(runId: string, text: string): Promise<string> {
    const run = this.#run(runId);
    const at = Buffer.byteLength(run.text);
    const { conversationId, epoch } = run;
    const { outcome } = await this.#runLog.appendChunk({ conversationId, runId, epoch, at, text, t: Date.now() });
    if (outcome === 'appended') run.text += text;
    return outcome;
  }

  part(runId: string, change: Partial<Part> & Pick<Part, 'partId'>): Promise<Part> {
    return this.#run(runId).writer.put(change);
  }

  stream(runId: string, partId: string, field: PartField, text: string): Promise<void> {
    return this.#run(runId).writer.stream(partId, field, text);
  }

  async end(runId: string): Promise<string> {
    const { conversationId, epoch, text, writer } = this.#run(runId);
    const proof = { bytes: Buffer.byteLength(text), sha256: hash('sha256', text, 'hex') };
    return (await this.#runLog.endRun({ conversationId, runId, epoch, reason: 'complete', ...proof, ...writer.ending() })).outcome;
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
