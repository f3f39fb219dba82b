/**
 * `npm run story -- dead-ai-pod [--minutes 5] [--hurry 1] [--board runnel-journey] [--out file.png]`: lets it happen
 * under load, with a real Prometheus looking on, and draws a dashboard's panels as they were. The runbooks show these pictures.
 * `--hurry 5` makes the windows and waits of all rules five times shorter, so that minutes are enough for an alert to fire.
 */
import { parseArgs } from 'node:util';
import { elapse, exitOnSignals, startCluster } from '@runnel/e2e';
import { browserProgram } from '@runnel/kit/testing';
import { chromium } from 'playwright-core';
import { DASHBOARDS } from '../dashboards/index.ts';
import type { Panel } from '../lib/grafana.ts';
import { drawPage, type Drawn, type Picture } from './draw.ts';
import { invitePeople } from './people.ts';
import { startPrometheus, type Prometheus, type Series } from './prometheus.ts';
import { STORIES, type Story } from './stories.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    minutes: { type: 'string', default: '5' },
    hurry: { type: 'string', default: '1' },
    board: { type: 'string', default: 'runnel-journey' },
    out: { type: 'string' },
    people: { type: 'string', default: '20' },
  },
});

/** What Grafana puts in for its own word: four scrapes, as it does. */
const RATE_INTERVAL = '15s';
const STEP_SECONDS = 2;

const legendOf = (legend: string, labels: Series['labels']): string =>
  legend.replaceAll(/\{\{(\w+)\}\}/g, (_, name: string) => labels[name] ?? '');

const readPanel = async (prometheus: Prometheus, panel: Panel, from: number, to: number): Promise<Drawn> => {
  const lines: Drawn['lines'] = [];
  for (const { expr, legend } of panel.targets) {
    const series = await prometheus.range(expr.replaceAll('$__rate_interval', RATE_INTERVAL), from, to, STEP_SECONDS);
    lines.push(...series.map(({ labels, points }) => ({ legend: legendOf(legend, labels), points })));
  }
  return { panel, lines };
};

const alertsOf = async (prometheus: Prometheus, from: number, to: number): Promise<string[]> => {
  const series = await prometheus.range('max by (alertname, alertstate) (ALERTS)', from, to, STEP_SECONDS);
  const states = new Map<string, string>();
  for (const { labels } of series) {
    const { alertname = '', alertstate = '' } = labels;
    if (states.get(alertname) !== 'firing') states.set(alertname, alertstate);
  }
  return [...states].map(([name, state]) => `${name} (${state})`).toSorted();
};

const tell = async (story: Story, minutes: number): Promise<Picture> => {
  await using stack = new AsyncDisposableStack();
  const provider = (await story.provider?.()) ?? null;
  stack.defer(() => provider?.close());
  const models = provider && JSON.stringify([{ id: story.model, provider: 'openai-compatible', baseURL: provider.url, default: true }]);
  const cluster = await startCluster({ ...story.cluster, ...(models && { aiEnv: { MODELS: models } }) });
  stack.defer(() => cluster.removeLogs());
  stack.defer(() => cluster.close());
  const prometheus = stack.use(await startPrometheus(cluster, Number(values.hurry)));
  const origins = cluster.gateways.map(({ url }) => url);
  const people = invitePeople(Number(values.people), origins, story.prompt, story.model);
  stack.defer(() => people.leave());
  const from = Date.now() / 1_000;
  await elapse((minutes * 60_000) / 3);
  const at = Date.now() / 1_000;
  await story.happens(cluster, provider);
  await elapse((minutes * 60_000 * 2) / 3);
  const to = Date.now() / 1_000;
  const board = DASHBOARDS.find(({ uid }) => uid === values.board);
  if (!board) throw new Error(`there is no dashboard ${values.board}`);
  const rows: Picture['rows'] = [];
  for (const { title, panels } of board.rows) {
    rows.push({ title, panels: await Promise.all(panels.map((panel) => readPanel(prometheus, panel, from, to))) });
  }
  const title = `${board.title}: ${story.title}${values.hurry === '1' ? '' : ` (rules ${values.hurry} times faster)`}`;
  return { title, from, to, at: story.name === 'quiet' ? null : at, rows, alerts: await alertsOf(prometheus, from, to) };
};

const draw = async (picture: Picture, file: string): Promise<void> => {
  const browser = await chromium.launch({ executablePath: browserProgram(), args: ['--no-sandbox'] });
  try {
    const page = await browser.newPage({ viewport: { width: 1372, height: 400 } });
    await page.setContent(drawPage(picture));
    await page.screenshot({ path: file, fullPage: true });
  } finally {
    await browser.close();
  }
};

exitOnSignals();
const story = STORIES.find(({ name }) => name === positionals[0]);
if (!story) {
  console.error(`say one of: ${STORIES.map(({ name }) => name).join(', ')}`);
  process.exitCode = 2;
} else {
  const picture = await tell(story, Number(values.minutes));
  console.log(`${picture.title}: alerts ${picture.alerts.join(', ') || 'none'}`);
  if (values.out !== undefined) await draw(picture, values.out);
}
