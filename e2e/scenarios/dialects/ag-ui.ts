import { HttpAgent } from '@ag-ui/client';
import type { ExpectedRun } from '../../harness/viewers/expected.ts';
import type { Scenario } from '../../harness/scenario.ts';
import type { Stage } from '../../harness/stage.ts';
import { elapse } from '../../harness/wait.ts';
import { dialectScenario, type DialectForm } from './reader.ts';

/** A page that connects to its thread, and again whenever its connection broke or somebody reloads it; half of the time it forgets what it showed. */
const read: DialectForm['read'] = async (stage: Stage, { conversationId, runId }: ExpectedRun, { reloads }) => {
  let messages: HttpAgent['messages'] = [];
  for (;;) {
    const agent = new HttpAgent({
      url: `${stage.origin()}/api/ag-ui/agent/default/connect?user_id=${stage.userId}`,
      threadId: conversationId,
      initialMessages: messages,
    });
    let over = false;
    agent.subscribe({ onRunFinishedEvent: () => void (over = true) });
    const leave = reloads ? setTimeout(() => agent.abortRun(), stage.random.between(50, 900)) : undefined;
    await agent.runAgent().catch(() => undefined);
    clearTimeout(leave);
    const answer = agent.messages.find(({ id }) => id === runId);
    if (over && answer) return String(answer.content);
    messages = stage.random.chance(0.5) ? agent.messages : [];
    await elapse(50);
  }
};

const scenario = dialectScenario('ag-ui', [{ name: 'connect', read }]);

/** The client rejects `runAgent` when its connection breaks, and a promise of its own besides that nobody can reach. */
const ofBrokenConnection = (reason: unknown): void => {
  const isItsOwn = reason instanceof Error && (reason.message === 'terminated' || reason.name === 'AbortError');
  if (!isItsOwn) throw reason;
};

export const agUiScenario: Scenario = {
  ...scenario,
  async run(stage) {
    process.on('unhandledRejection', ofBrokenConnection);
    try {
      await scenario.run(stage);
    } finally {
      process.off('unhandledRejection', ofBrokenConnection);
    }
  },
};
