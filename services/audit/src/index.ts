export { createAuditApp } from './app.ts';
export { configSpec, type AuditConfig } from './config.ts';
export { publishToStore, RelayLoop, type RelayOptions } from './relay-loop.ts';
export { openTables, startAudit, type AuditService, type AuditTables } from './service.ts';
