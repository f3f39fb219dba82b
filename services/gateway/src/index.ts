export { createGatewayApp, type GatewayApp } from './app.ts';
export type { AuditClient } from './archive/audit-client.ts';
export { configSpec } from './config.ts';
export type { AiPod, AiPods, Offer } from './dispatch/ai-pods.ts';
export { authRules } from './config-doors.ts';
export { fileRules } from './http/files/settings.ts';
export { oidcRules } from './config-oidc.ts';
export { isLoopback } from './auth/loopback.ts';
