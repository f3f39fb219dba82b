export { createAuditApp } from './app.ts';
export { configSpec, type AuditConfig } from './config.ts';
export { startAudit, type AuditService } from './service.ts';
