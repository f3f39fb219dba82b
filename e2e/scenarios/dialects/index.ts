import type { Scenario } from '../../harness/scenario.ts';
import { durableStreamsScenario } from './durable-streams.ts';

export const dialectScenarios: Scenario[] = [durableStreamsScenario];
