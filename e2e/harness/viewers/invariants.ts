import { createHash } from 'node:crypto';
import { history } from '../commands.ts';
import type { Expected, ExpectedRun } from './expected.ts';
import type { Pod } from '../processes/pod.ts';
import type { Viewer } from './viewer.ts';
import { waitFor } from '../wait.ts';

/** P-1, P-2: what was shown is what was counted, the same for everybody, ended once. */
export const checkViewers = (viewers: readonly Viewer[], expected: Expected): void => {
  const violations = viewers.flatMap((viewer) => viewer.screen.violations);
  for (const run of expected.runs.values()) {
    const shown = viewers.filter((viewer) => viewer.conversationId === run.conversationId);
    const first = shown[0]?.screen.finished.get(run.runId);
    for (const { name, screen } of shown) {
      const finished = screen.finished.get(run.runId);
      if (!finished) violations.push(`${name}: P-1: run ${run.runId} was never seen to end`);
      else if (finished.text !== first!.text || finished.reason !== first!.reason)
        violations.push(`${name}: P-1: differs from ${shown[0]!.name}`);
      else if (finished.sha256 !== null && finished.sha256 !== createHash('sha256').update(finished.text).digest('hex')) {
        violations.push(`${name}: P-1: the digest of run ${run.runId} differs`);
      }
    }
  }
  if (violations.length > 0) throw new Error(violations.join('\n'));
};

const textOf = (viewers: readonly Viewer[], run: ExpectedRun): string | undefined =>
  viewers.find((viewer) => viewer.conversationId === run.conversationId)?.screen.finished.get(run.runId)?.text;

/** What is looked at: who saw what, and where one can ask. */
interface Scene {
  expected: Expected;
  viewers: readonly Viewer[];
  userId: string;
  cluster: { liveGateways(): readonly Pod[] };
  watch(conversationId: string, options: { at: Pod }): Viewer;
}

/** W-11, P-1: whoever comes now, to whichever gateway, gets the same text, by snapshot and by history. */
export const checkCluster = async (scene: Scene): Promise<void> => {
  for (const run of scene.expected.runs.values()) {
    const text = textOf(scene.viewers, run);
    for (const gateway of scene.cluster.liveGateways()) {
      const late = scene.watch(run.conversationId, { at: gateway });
      await late.screen.until(() => late.screen.finished.has(run.runId), 5_000, `run ${run.runId} in a snapshot of ${gateway.name}`);
      const finished = late.screen.finished.get(run.runId)!;
      if (text !== undefined && finished.text !== text) throw new Error(`P-1: the snapshot of ${gateway.name} differs in run ${run.runId}`);
      late.close();
      const messages = await waitFor(() => history(gateway.url, run.conversationId, scene.userId), {
        deadlineMs: 3_000,
        what: `the history of ${run.conversationId} from ${gateway.name}`,
      });
      const stored = messages.find((message) => message.messageId === run.runId);
      if (stored?.text !== finished.text) throw new Error(`P-1: the history of ${gateway.name} differs in run ${run.runId}`);
    }
  }
};
