/** `npm run test:k8s -- operator`: the operator alone, on a release of its own. */
import { VALUES } from '../lib/values.ts';
import { CHART, release } from '../lib/release.ts';
import { failedSteps, step } from '../lib/step.ts';
import { operatorPart } from './part.ts';

const app = release('runnel', 'runnel-operator-test');
let entry = '';

await step('a namespace on two nodes', () => app.createNamespace());
await step('install', async () => {
  await app.install(CHART, VALUES);
  entry = await app.expose('gateway', '/api/models');
});
if (failedSteps() === 0) await operatorPart(app, { origin: () => entry, values: VALUES });
await app.unexpose('gateway');
await step('uninstall', async () => {
  await app.uninstall();
  await app.removeKinds();
});
await app.removeNamespace();
process.exitCode = failedSteps() === 0 ? 0 : 1;
