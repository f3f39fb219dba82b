import type { Scenario } from '../../harness/scenario.ts';
import { toolFaultScenarios } from './faults.ts';
import { forgottenToolScenarios } from './forgotten.ts';

export const toolScenarios: Scenario[] = [...toolFaultScenarios, ...forgottenToolScenarios];
