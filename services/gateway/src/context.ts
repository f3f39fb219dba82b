import type { OwnThings } from './person/own-things.ts';
import type { Records } from './person/records.ts';
import type { RunLog } from '@runnel/coordination';
import type { Health, Logger, Metrics } from '@runnel/kit';
import type { FileStore } from '@runnel/files';
import type { Limits } from '@runnel/protocol';
import type { AuditClient } from './archive/audit-client.ts';
import type { Auth } from './auth/auth.ts';
import type { ApiKeys } from './auth/grants/api-keys.ts';
import type { Oidc } from './auth/oidc/oidc.ts';
import type { Budgets } from './budgets/index.ts';
import type { Commands } from './commands/commands.ts';
import type { Contents } from './contents/contents.ts';
import type { GatewayConfig } from './config.ts';
import type { Hub } from './follow/hub.ts';
import type { ModelCatalogue } from './dispatch/model-catalogue.ts';

/** What routes are built from: everything, resolved. `registerHttp(app, context)` in `./http/index.ts` takes it. */
export interface GatewayContext {
  config: GatewayConfig;
  log: Logger;
  metrics: Metrics;
  health: Health;
  runLog: RunLog;
  hub: Hub;
  commands: Commands;
  auth: Auth;
  keys: ApiKeys;
  /** Signing in with a provider; null in other modes. */
  oidc: Oidc | null;
  models: ModelCatalogue;
  budgets: Budgets;
  audit: AuditClient | null;
  /** What people set for themselves. */
  records: Records;
  own: OwnThings;
  /** Null: there are no files here. */
  files: FileStore | null;
  contents: Contents;
  thisMachineOnly?: boolean | undefined;
  limits: Limits;
  /** Aborted when the node starts to drain: long answers (SSE) end with a `draining` event after a random part of the window. */
  draining: AbortSignal;
}
