import type { Scenario } from '../harness/scenario.ts';
import { aiPodScenarios } from './ai-pods.ts';
import { cancelScenarios } from './cancel.ts';
import { chaosScenarios } from './chaos.ts';
import { commandScenarios } from './commands.ts';
import { drainScenarios } from './drain.ts';
import { gatewayScenarios } from './gateways.ts';
import { readerScenarios } from './readers.ts';
import { redisScenarios } from './redis.ts';

export const SCENARIOS: Scenario[] = [
  ...commandScenarios,
  ...readerScenarios,
  ...gatewayScenarios,
  ...aiPodScenarios,
  ...cancelScenarios,
  ...drainScenarios,
  ...redisScenarios,
  ...chaosScenarios,
];
