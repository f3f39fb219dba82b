import { join } from 'node:path';
import { root } from '../../scripts/lib/command.ts';
import { CHART, type Release } from '../lib/release.ts';
import { failedSteps, step } from '../lib/step.ts';
import { gateSteps } from './gate.ts';
import { modelSteps } from './models.ts';
import { scalingStep, scalingValues } from './scaling.ts';

const KINDS_CHART = join(root, 'helm/runnel-crds');
const MOST_MB = 100;
/** AI pods that it grows to: each that goes again takes a quarter of a minute. */
const MOST_PODS = 8;

/** Many AI pods are to fit on two nodes of a small machine. */
const SMALL_PODS = ['ai.resources.requests.cpu=50m', 'ai.resources.requests.memory=96Mi'];
const operatorValues = (most: number): string[] => [
  ...['operator.enabled=true', 'ai.models[0].id=demo', 'ai.models[0].provider=demo', 'ai.models[0].default=true'],
  ...scalingValues(most),
  ...['operator.rolloutGate.enabled=true', ...SMALL_PODS],
];

export interface PartOptions {
  origin: () => string;
  /** What the release runs with. */
  values: readonly string[];
}

const memory = (app: Release) => async (): Promise<string> => {
  const [pod] = (await app.memory()).filter(({ pod: name }) => name.includes('-operator-'));
  const told = `${pod?.workingSet} (${pod?.rss} rss) MB`;
  if (pod === undefined || pod.workingSet >= MOST_MB) throw new Error(told);
  return told;
};

/** What the operator adds, on a release that is installed. */
export const operatorPart = async (app: Release, { origin, values }: PartOptions): Promise<void> => {
  const before = failedSteps();
  await step('the kinds, and the operator is switched on', async () => {
    await app.installKinds(KINDS_CHART);
    await app.upgrade(CHART, [...values, ...operatorValues(MOST_PODS)]);
  });
  if (failedSteps() > before) return;
  await modelSteps(app, origin);
  await scalingStep(app, origin, MOST_PODS);
  await gateSteps(app, origin);
  await step(`the operator after all that: less than ${MOST_MB} MB`, memory(app));
};
