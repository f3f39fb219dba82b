export { createAuditApp } from './app.ts';
export { auditMetrics } from './metrics.ts';
export { ownKey } from './checkpoints/key.ts';
export { startCheckpoints } from './checkpoints/service.ts';
export { createDirect } from './relay/direct.ts';
export { startRetention } from './store/retention.ts';
export { RelayLoop } from './relay/relay-loop.ts';
export { openTables } from './audit-database.ts';
