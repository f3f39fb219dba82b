import type { Scenario } from '../../harness/scenario.ts';
import { durableStreamsScenario } from './durable-streams.ts';
import { chatCompletionsScenario, responsesScenario } from './openai.ts';

export const dialectScenarios: Scenario[] = [durableStreamsScenario, chatCompletionsScenario, responsesScenario];
