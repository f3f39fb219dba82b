// The client of CopilotKit's runtime, which Runnel answers for: it reads the agents, asks one, is lost in the middle, connects again.
//   node copilotkit.mjs <url of a Runnel>
// It talks to its runtime in a browser only, and takes this for one.
globalThis.window = globalThis;
const { CopilotKitCore } = await import('@copilotkit/core');

const [url] = process.argv.slice(2);
const due = (count) => Array.from({ length: count }, (_, i) => `w${String(i + 1).padStart(6, '0')}`).join(' ');
const until = async (what, holds) => {
  const deadline = performance.now() + 15_000;
  while (!holds()) {
    if (performance.now() > deadline) throw new Error(`no ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
};
const errors = [];
const connected = async () => {
  const core = new CopilotKitCore({ runtimeUrl: `${url}/api/ag-ui`, headers: { authorization: 'Bearer copilot' } });
  core.subscribe({ onError: ({ code, error }) => errors.push(`${code}: ${error?.message}`) });
  await until('connection', () => core.runtimeConnectionStatus === 'connected');
  return core;
};
const lastOf = (agent) => agent.messages.findLast(({ role }) => role === 'assistant')?.content ?? '';
const threadId = `copilot-${process.pid}-${Date.now()}`;

const core = await connected();
for (const name of ['default', 'count']) if (!core.getAgent(name)) throw new Error(`no agent ${name}: ${Object.keys(core.agents)}`);
const agent = core.getAgent('count');
agent.threadId = threadId;
agent.addMessage({ id: 'q1', role: 'user', content: 'count 20' });
await core.runAgent({ agent });
if (lastOf(agent).trim() !== due(20)) throw new Error(`another answer: ${lastOf(agent)}`);
console.log('copilotkit');

agent.addMessage({ id: 'q2', role: 'user', content: 'count 60 at 20' });
void core.runAgent({ agent }).catch(() => undefined);
await until('words', () => lastOf(agent).includes('w000005') && !lastOf(agent).includes('w000060'));
const again = await connected();
const other = again.getAgent('count');
other.threadId = threadId;
await again.connectAgent({ agent: other });
if (lastOf(other).trim() !== due(60)) throw new Error(`not the whole answer after connecting again: ${lastOf(other)}`);
const roles = other.messages.map(({ role }) => role).join(' ');
if (roles !== 'user assistant user assistant') throw new Error(`another thread: ${roles}`);
console.log('copilotkit-connected');

other.addMessage({ id: 'q3', role: 'user', content: 'count 400 at 20' });
const stopped = again.runAgent({ agent: other });
await until('words', () => lastOf(other).includes('w000003') && !lastOf(other).includes('w000060'));
again.stopAgent({ agent: other });
await stopped;
if (lastOf(other).includes('w000400')) throw new Error('it was not stopped');
console.log('copilotkit-stopped');
if (errors.length > 0) throw new Error(errors.join('; '));
process.exit(0);
