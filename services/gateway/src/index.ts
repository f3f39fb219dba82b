export { createGatewayApp, type GatewayApp, type GatewayDeps } from './app.ts';
export type { AuditReader } from './context.ts';
export type { Dispatcher } from './dispatch.ts';
export type { Models } from './models.ts';
export { chooseModel } from './models.ts';
export { configSpec, type GatewayConfig } from './config.ts';
export type { AiPod, AiPods, Offer } from './ai-pods.ts';
export { authRules, isLoopback } from './config-doors.ts';
