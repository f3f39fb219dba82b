import { createMemoryRunLog } from '@runnel/coordination';
import {
  createHealth,
  createInnerDoor,
  createInternalServer,
  createMetrics,
  loadConfig,
  silentLog,
  showBuild,
  showMemoryLimit,
  showStore,
  storeObserver,
  toldExporter,
  watchEviction,
  type Metrics,
} from '@runnel/kit';
import { beforeAll, expect, test } from 'vitest';
import { createAiApp, configSpec as aiConfig } from '../services/ai/src/index.ts';
import { createOperatorMetrics } from '../services/operator/src/metrics.ts';
import { auditMetrics } from '../services/audit/src/metrics.ts';
import { createGatewayApp, configSpec as gatewayConfig } from '../services/gateway/src/index.ts';
import { CAUSES } from './alerts.ts';
import { DASHBOARDS } from './dashboards/index.ts';
import { NOT_SHOWN } from './not-shown.ts';
import { buildRules } from './lib/rules.ts';
import { SCOPE } from './lib/scope.ts';
import { familyOf, namesIn } from './lib/promql.ts';
import { readSlos } from './lib/slo.ts';

/** Labels that Prometheus or our own recording rules add; `service` is on everything we export. */
const SCRAPED = new Set(['instance', 'job', 'pod', ...SCOPE, 'service', 'le', 'slo']);
/** Metrics of others, with their labels: Prometheus itself and kube-state-metrics. */
const FOREIGN = /^(up|kube_(deployment|pod|horizontalpodautoscaler|job)_\w+)$/;
const FOREIGN_LABELS = new Set(['deployment', 'pod', 'job', 'horizontalpodautoscaler', 'condition', 'status', 'job_name']);

const exported = new Map<string, { labels: ReadonlySet<string>; type: string }>();

/** Names from what `GET /metrics` answers; labels as they were declared, since a counter nobody used has no series yet. */
const collect = async (metrics: Metrics): Promise<void> => {
  const server = createInternalServer({ metrics, health: createHealth(), log: silentLog });
  const { body } = await server.inject('/metrics');
  await server.close();
  for (const [, name = '', type = ''] of body.matchAll(/^# TYPE (\S+) (\S+)$/gm)) {
    // The same figure under its stock name.
    if (/^(process|nodejs)_/.test(name)) continue;
    const { labelNames = [] } = metrics.registry.getSingleMetric(name) as unknown as { labelNames?: string[] };
    exported.set(name, { type, labels: new Set([...labelNames, ...(exported.get(name)?.labels ?? [])]) });
  }
};

beforeAll(async () => {
  const base = { log: silentLog, runLog: createMemoryRunLog() };
  const env = { NODE_ID: 'test', HOST: '127.0.0.1', PORT: '0', AUTH_MODE: 'dev' };
  const [ofGateway, ofAi, ofAudit, ofOperator] = ['gateway', 'ai', 'audit', 'operator'].map((service) => createMetrics(service)) as [
    Metrics,
    Metrics,
    Metrics,
    Metrics,
  ];
  createOperatorMetrics(ofOperator);
  storeObserver(ofGateway);
  const gateway = await createGatewayApp({ ...base, config: loadConfig(gatewayConfig, env), metrics: ofGateway, health: createHealth() });
  const ai = await createAiApp({ ...base, config: loadConfig(aiConfig, env), metrics: ofAi, health: createHealth() });
  auditMetrics(ofAudit);
  const watched = { ask: async () => 'noeviction', health: createHealth(), metrics: ofAi, log: silentLog };
  void watchEviction(watched, AbortSignal.timeout(1));
  for (const metrics of [ofGateway, ofAi]) {
    showBuild(metrics, 'test');
    showMemoryLimit(metrics);
    toldExporter({ export: () => undefined, shutdown: async () => undefined }, { log: silentLog, metrics });
    showStore(metrics, { backlog: async () => 0, clockOffset: async () => 0 });
  }
  createInnerDoor({ current: () => undefined, renew: async () => undefined, close: () => undefined }, ofAudit);
  for (const metrics of [ofGateway, ofAi, ofAudit, ofOperator]) await collect(metrics);
  await gateway.close();
  await ai.close();
});

const rules = buildRules(readSlos(), CAUSES).groups.flatMap((group) => group.rules);
const recorded = new Set(rules.flatMap((rule) => ('record' in rule ? [rule.record] : [])));
const panels = DASHBOARDS.flatMap((board) => board.rows.flatMap((row) => row.panels));
const queries = [...rules.map(({ expr }) => expr), ...panels.flatMap((panel) => panel.targets.map(({ expr }) => expr))];

test('every metric and label that a panel or a rule names is exported', () => {
  const families = new Set(exported.keys());
  const problems = queries.flatMap((expr) => {
    const { metrics, labels } = namesIn(expr);
    const known = new Set(SCRAPED);
    const missing: string[] = [];
    for (const name of metrics) {
      const metric = exported.get(familyOf(name, families));
      if (metric) for (const label of metric.labels) known.add(label);
      else if (FOREIGN.test(name)) for (const label of FOREIGN_LABELS) known.add(label);
      else if (!recorded.has(name)) missing.push(name);
    }
    return [...missing, ...[...labels].filter((label) => !known.has(label))].map((name) => `${name} in ${expr}`);
  });
  expect(problems).toEqual([]);
});

test('counters are shown as a rate, gauges are not', () => {
  const families = new Set(exported.keys());
  const problems = queries.flatMap((expr) => {
    const { metrics, counted } = namesIn(expr);
    return [...metrics].flatMap((name) => {
      const metric = exported.get(familyOf(name, families));
      if (metric === undefined) return [];
      const grows = metric.type === 'counter' || metric.type === 'histogram';
      return grows === counted.has(name) ? [] : [`${name} (${metric.type}) in ${expr}`];
    });
  });
  expect(problems).toEqual([]);
});

test('what is exported is shown, or it is said why not', () => {
  const families = new Set(exported.keys());
  const shown = new Set(queries.flatMap((expr) => [...namesIn(expr).metrics].map((name) => familyOf(name, families))));
  const hidden = [...families].filter((name) => !shown.has(name));
  // Show it on a dashboard, or say in not-shown.ts why nobody needs it.
  expect(hidden.filter((name) => !NOT_SHOWN.some((entry) => entry.name.test(name)))).toEqual([]);
  expect(NOT_SHOWN.filter((entry) => !hidden.some((name) => entry.name.test(name)))).toEqual([]);
});
