export { createAuditApp } from './app.ts';
export { auditMetrics } from './audit-metrics.ts';
export { configSpec, type AuditConfig } from './config.ts';
export { ownKey } from './checkpoints/key.ts';
export { startCheckpoints } from './checkpoints/service.ts';
export { createDirect } from './direct.ts';
export { RelayLoop, type RelayOptions } from './relay-loop.ts';
export { startAudit, type AuditService } from './service.ts';
export { openTables, type AuditTables } from './tables.ts';
