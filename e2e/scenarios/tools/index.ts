import type { Scenario } from '../../harness/scenario.ts';
import { toolFaultScenarios } from './faults.ts';
import { forgottenToolScenarios } from './forgotten.ts';
import { lostQuestionScenarios } from './lost-questions.ts';

export const toolScenarios: Scenario[] = [...toolFaultScenarios, ...forgottenToolScenarios, ...lostQuestionScenarios];
