import type { Scenario } from '../../harness/scenario.ts';
import { agUiScenario } from './ag-ui.ts';
import { aiSdkScenario } from './ai-sdk.ts';
import { durableStreamsScenario } from './durable-streams.ts';
import { dialectPartsScenario } from './parts.ts';
import { chatCompletionsScenario, chatCompletionsStoreScenario, responsesScenario } from './openai.ts';

export const dialectScenarios: Scenario[] = [
  agUiScenario,
  aiSdkScenario,
  chatCompletionsScenario,
  chatCompletionsStoreScenario,
  dialectPartsScenario,
  durableStreamsScenario,
  responsesScenario,
];
