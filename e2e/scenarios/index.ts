import type { Scenario } from '../harness/scenario.ts';
import { aiPodScenarios } from './ai-pods.ts';
import { attackScenarios } from './attacks/index.ts';
import { auditScenarios } from './audit/index.ts';
import { balancerScenarios } from './balancers.ts';
import { cancelScenarios } from './cancel.ts';
import { chaosScenarios } from './chaos.ts';
import { commandScenarios } from './commands.ts';
import { dialectScenarios } from './dialects/index.ts';
import { drainScenarios } from './drain.ts';
import { failoverEndedScenarios } from './stores/failover-ended.ts';
import { failoverPromptScenarios } from './stores/failover-prompts.ts';
import { failoverScenarios } from './stores/failover.ts';
import { gatewayScenarios } from './gateways.ts';
import { modelScenarios } from './models.ts';
import { readerScenarios } from './readers.ts';
import { redisScenarios } from './stores/redis.ts';
import { redisUserScenarios } from './stores/redis-user.ts';
import { skewScenarios } from './skew.ts';
import { surfaceScenarios } from './surfaces.ts';
import { toolScenarios } from './tools/index.ts';
import { trustScenarios } from './trust/index.ts';

export const SCENARIOS: Scenario[] = [
  ...commandScenarios,
  ...readerScenarios,
  ...gatewayScenarios,
  ...balancerScenarios,
  ...aiPodScenarios,
  ...modelScenarios,
  ...toolScenarios,
  ...cancelScenarios,
  ...drainScenarios,
  ...redisScenarios,
  ...redisUserScenarios,
  ...failoverScenarios,
  ...attackScenarios,
  ...failoverEndedScenarios,
  ...failoverPromptScenarios,
  ...surfaceScenarios,
  ...dialectScenarios,
  ...auditScenarios,
  ...skewScenarios,
  ...chaosScenarios,
  ...trustScenarios,
];
