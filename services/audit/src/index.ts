export { createAuditApp } from './app.ts';
export { auditMetrics } from './audit-metrics.ts';
export { ownKey } from './checkpoints/key.ts';
export { startCheckpoints } from './checkpoints/service.ts';
export { createDirect } from './direct.ts';
export { RelayLoop } from './relay-loop.ts';
export { openTables } from './tables.ts';
