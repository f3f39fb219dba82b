import type { Scenario } from '../../harness/scenario.ts';
import { aiSdkScenario } from './ai-sdk.ts';
import { durableStreamsScenario } from './durable-streams.ts';
import { chatCompletionsScenario, responsesScenario } from './openai.ts';

export const dialectScenarios: Scenario[] = [aiSdkScenario, chatCompletionsScenario, durableStreamsScenario, responsesScenario];
