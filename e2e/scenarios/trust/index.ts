import type { Scenario } from '../../harness/scenario.ts';
import { clockScenarios } from './clocks.ts';
import { peopleScenarios } from './people.ts';
import { productScenarios } from './product.ts';
import { honestScenarios } from './honest.ts';
import { killedScenarios } from './killed.ts';
import { malformedScenarios } from './malformed.ts';
import { oddScenarios } from './odd/index.ts';
import { strangerScenarios } from './strangers.ts';
import { unnamedScenarios } from './unnamed/index.ts';
import { waitingScenarios } from './waiting.ts';

/** Generated cases of what nobody named: `npm run e2e -- --only trust --seed N`. */
export const trustScenarios: Scenario[] = [
  ...strangerScenarios,
  ...malformedScenarios,
  ...productScenarios,
  ...waitingScenarios,
  ...killedScenarios,
  ...honestScenarios,
  ...peopleScenarios,
  ...oddScenarios,
  ...clockScenarios,
  ...unnamedScenarios,
];
