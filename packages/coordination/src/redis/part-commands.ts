import { factsOf, partJson, standingJson, streamedBytes } from '../parts.ts';
import { toDecideResult, toParkResult, toPartChunkResult, toPutResult, type Reply } from './replies.ts';
import type { RunLog } from '../run-log/run-log.ts';
import type { KeyParts } from './keys.ts';
import type { ScriptArgs } from './args/script-args.ts';
import type { ScriptName } from './scripts.ts';
import { toLuaJson } from '../messages.ts';

type Run = <N extends ScriptName>(name: N, parts: KeyParts, args: ScriptArgs[N]) => Promise<Reply>;

/** The commands of the parts of a running answer, one script each. */
export const createPartCommands = (
  run: Run,
  partsOf: (conversationId: string, runId: string) => KeyParts,
  cap: number,
  /** An answer in a conversation of this person waits for somebody. */
  waits: (userId: string, conversationId: string) => void,
): Pick<RunLog, 'putPart' | 'appendPartChunk' | 'parkRun' | 'decidePart'> => ({
  async putPart({ conversationId, runId, epoch, part, from, step }) {
    const args = {
      epoch,
      partId: part.partId,
      from: from ?? '',
      index: part.index,
      size: streamedBytes(part),
      step: step ?? ('' as const),
      cap,
    };
    const said = { part: partJson(part), facts: toLuaJson(factsOf(part)) };
    return toPutResult(await run('put-part', partsOf(conversationId, runId), { ...args, ...said }));
  },
  async appendPartChunk({ conversationId, runId, epoch, partId, field, at, text, t }) {
    const args = { epoch, partId, field, at, chunk: text, t };
    return toPartChunkResult(await run('append-part-chunk', partsOf(conversationId, runId), args));
  },
  async parkRun({ conversationId, runId, epoch, partIds, bytes, parts, usage, tell }) {
    const args = {
      epoch,
      partIds: JSON.stringify(partIds),
      bytes,
      cap,
      used: usage ? JSON.stringify({ usage, bytes }) : '',
      tell: tell ? ('1' as const) : ('' as const),
      standing: parts ? standingJson(parts) : '',
    };
    const reply = await run('park-run', partsOf(conversationId, runId), args);
    if (reply[0] === 'parked' && reply[2]) waits(String(reply[2]), conversationId);
    return toParkResult(reply);
  },
  async decidePart({ conversationId, runId, userId, decision, expected, part, inputSha256 }) {
    const facts = { ...factsOf(part), decision, decidedBy: userId, ...(inputSha256 !== undefined && { inputSha256 }) };
    const args = { userId, partId: part.partId, expected: partJson(expected), part: partJson(part), facts: toLuaJson(facts), cap };
    return toDecideResult(await run('decide-part', partsOf(conversationId, runId), args));
  },
});
