import type { Scenario } from '../../harness/scenario.ts';
import { aiSdkScenario } from './ai-sdk.ts';
import { durableStreamsScenario } from './durable-streams.ts';

export const dialectScenarios: Scenario[] = [durableStreamsScenario, aiSdkScenario];
