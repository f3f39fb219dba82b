import { decide, digestOf, partsOf, snapshotOf, type Shown, type ToolPart } from '../../harness/parts.ts';
import type { Execution } from '../../harness/processes/tool-server.ts';
import type { Stage } from '../../harness/stage.ts';
import type { ExpectedRun } from '../../harness/viewers/expected.ts';
import { waitFor } from '../../harness/wait.ts';

export const WORDS = 6;
export const TOOLS = ['do', 'act', 'look'];

/** What a fresh reader is shown; nothing while the gateways or the store are away. */
export const look = async (stage: Stage, { conversationId }: ExpectedRun): Promise<Shown> =>
  snapshotOf(stage.origin(), conversationId, stage.userId).catch(() => ({ run: null, messages: [] }));

export const isEnded = ({ messages }: Shown, { runId }: ExpectedRun): boolean => messages.some(({ messageId }) => messageId === runId);

/** Decides as people would, and as two of them at once: an input that nobody was shown is refused, and one decision of each counts. */
const decideOn = async (stage: Stage, run: ExpectedRun, part: ToolPart): Promise<void> => {
  const ids = { conversationId: run.conversationId, runId: run.runId, partId: part.partId };
  const decision = part.state === 'unknown' ? 'retry' : 'approve';
  const say = (input: string) => decide(stage.origin(), stage.userId, { ...ids, decision, inputSha256: digestOf(input) });
  const other = await say(`${part.input} `);
  if (other.outcome === 'decided') throw new Error('W-18: another input than the one that was shown was approved');
  const both = await Promise.all([say(part.input!), say(part.input!)]);
  const decided = both.filter(({ outcome }) => outcome === 'decided').length;
  if (decided > 1) throw new Error('W-17: two decisions counted');
};

/** Plays a run to its end, with a person who decides whatever waits. */
export const toTheEnd = (stage: Stage, run: ExpectedRun): Promise<unknown> =>
  waitFor(
    async () => {
      const shown = await look(stage, run);
      for (const part of shown.run?.waiting ? partsOf(shown, run.runId) : [])
        if (part.state === 'waiting' || part.state === 'unknown') await decideOn(stage, run, part);
      return isEnded(shown, run);
    },
    { deadlineMs: 30_000, everyMs: 100, what: `the end of ${run.runId}` },
  );

/** As a person would: each call that waits. */
export const approveAll = async (stage: Stage, run: ExpectedRun): Promise<void> => {
  const shown = await look(stage, run);
  const open = partsOf(shown, run.runId).filter(({ state }) => state === 'waiting');
  await Promise.all(open.map((part) => decideOn(stage, run, part)));
};

/** W-16, W-18, W-19: the server's count against what every gateway shows. */
export const prove = async (stage: Stage, run: ExpectedRun, executions: readonly Execution[]): Promise<void> => {
  // A gateway whose store has just changed may say `unavailable` for a moment.
  const seen = await Promise.all(
    stage.cluster.gateways.map(({ url, name }) =>
      waitFor(() => snapshotOf(url, run.conversationId, stage.userId), {
        deadlineMs: 10_000,
        everyMs: 100,
        what: `a snapshot from ${name}`,
      }),
    ),
  );
  const all = seen.map((shown) => JSON.stringify(partsOf(shown, run.runId)));
  if (new Set(all).size !== 1) throw new Error(`W-16: gateways show different parts:\n${all.join('\n')}`);
  const parts = partsOf(seen[0]!, run.runId);
  const whole = parts.filter(({ state }) => state === 'done');
  const wrong = parts.filter(({ index }, i) => index !== i || !['done', 'failed'].includes(parts[i]!.state));
  if (wrong.length > 0) throw new Error(`W-16: ${JSON.stringify(wrong)}`);
  // An owner that dies while it judges a step's calls leaves the rest half said: the model is told so, and this one does not say them again.
  const isInterrupted = (tool: string): boolean =>
    parts.some(({ name, error, step }) => name === tool && error?.code === 'interrupted' && whole.some((part) => part.step === step));
  if (!TOOLS.every((tool) => whole.some(({ name }) => name === tool) || isInterrupted(tool)))
    throw new Error(`a tool was not used: ${JSON.stringify(parts)}`);
  const calls = Map.groupBy(executions, ({ key }) => key);
  for (const [key, made] of calls) {
    const part = parts.find(({ partId }) => key === `${run.runId}:${partId}`);
    if (part === undefined) throw new Error(`W-19: a call of a part that nobody shows: ${key}`);
    const attempts = made.map(({ attempt }) => attempt);
    if (new Set(attempts).size !== attempts.length) throw new Error(`W-19: attempt ${attempts.join()} of ${part.name} was executed twice`);
    if (attempts.some((attempt, i) => attempt < 1 || (i > 0 && attempt <= attempts[i - 1]!)))
      throw new Error(`W-19: attempts ${attempts.join()}`);
    const { label } = JSON.parse(part.input!) as { label: string };
    if (made.some((one) => one.label !== label)) throw new Error(`W-18: ${part.name} was called with other arguments than were shown`);
  }
  for (const part of whole)
    if (!calls.has(`${run.runId}:${part.partId}`) || part.output !== `${part.name} ${(JSON.parse(part.input!) as { label: string }).label}`)
      throw new Error(`W-19: ${part.name} is done without a call, or with another's answer: ${part.output}`);
};
