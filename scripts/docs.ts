// `npm run docs`: writes docs/configuration.md from the services' own specs, the chart's schema and its values table, what the
// published packages export, the index of decisions, the load tests of the chart, the parameters of docs/wires, and the AsyncAPI documents of the
// audit's events and of the WebSocket from their schemas.
// `--check` only says whether they are fresh.
import { readFile, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { configTable, type ConfigSpec } from '../packages/kit/src/index.ts';
import { valuesSchema } from '../helm/lib/values-schema.ts';
import { withValuesTable } from '../helm/lib/values-table.ts';
import { withFieldsTable } from './lib/models-table.ts';
import { asyncApi } from './lib/asyncapi.ts';
import { websocketApi } from './lib/asyncapi-websocket.ts';
import { root } from './lib/command.ts';
import { crds } from '../services/operator/src/kinds/crd.ts';
import { stringify } from 'yaml';
import { readDecisions, renderIndex } from './lib/decisions.ts';
import { apiReport } from './packages/api-report.ts';
import { loadtestBundles } from './lib/loadtest-bundles.ts';
import { chatParameters, withParameters } from './lib/wires.ts';
import { PARAMETERS as RESPONSE_PARAMETERS } from '../services/gateway/src/dialects/responses/params.ts';
import { PARAMETERS as CHAT_PARAMETERS } from '../services/gateway/src/dialects/chat-completions/params.ts';
import { ToolEntry } from '../services/ai/src/tools/tool-entry.ts';
import { buildPackages } from './packages/build.ts';
import { PACKAGES } from './packages/names.ts';

const TARGET = 'docs/configuration.md';

/** In the order of the document, with the sentence that opens each part. */
const SERVICES: Record<string, string> = {
  standalone: 'Everything in one process: what `npm start` runs.',
  gateway: 'What browsers and API clients talk to.',
  ai: 'Runs the models.',
  audit: 'Carries the outbox to Kafka and the database; answers history and search.',
  operator: 'Makes models of ChatModel objects, and scales the others, on Kubernetes.',
};

const INTRO = `# Configuration

Written by \`npm run docs\` from the schema each service checks its environment with (\`services/*/src/config.ts\`); do not edit.
A variable that is empty counts as not set. All mistakes are told at once, in one line, and the service does not start.
The start line in the log shows what a service runs with, without secrets. Durations take a unit (\`500ms\`, \`3s\`, \`5m\`, \`24h\`);
a bare number counts in the unit that the variable's name ends with.`;

async function readSpec(service: string): Promise<ConfigSpec | undefined> {
  const path = join(root, 'services', service, 'src/config.ts');
  if (!existsSync(path)) return undefined;
  const { configSpec } = (await import(path)) as { configSpec?: ConfigSpec };
  if (configSpec === undefined) throw new Error(`services/${service}/src/config.ts does not export configSpec`);
  return configSpec;
}

async function render(): Promise<string> {
  const parts = [INTRO];
  for (const [service, opening] of Object.entries(SERVICES)) {
    const spec = await readSpec(service);
    if (spec !== undefined) parts.push(`## ${service}\n\n${opening}\n\n${configTable(spec)}`);
  }
  return `${parts.join('\n\n')}\n`;
}

const text = (file: string): Promise<string> => readFile(join(root, file), 'utf8');

const CHART_README = 'helm/runnel/README.md';
await buildPackages();
const files: Record<string, string> = {
  [TARGET]: await render(),
  [CHART_README]: withValuesTable(await text(CHART_README), await text('helm/runnel/values.yaml')),
  'helm/runnel/values.schema.json': valuesSchema(),
  ...Object.fromEntries(
    crds().map((crd) => [`helm/runnel-crds/templates/${crd.spec.names.plural}.yaml`, stringify(crd, { lineWidth: 0 })]),
  ),
  ...(await loadtestBundles()),
  'docs/models.md': withFieldsTable(await text('docs/models.md')),
  'docs/tools.md': withFieldsTable(await text('docs/tools.md'), ToolEntry),
  'docs/asyncapi.json': asyncApi(),
  'docs/websocket.asyncapi.json': websocketApi(),
  'docs/wires/chat-completions.md': withParameters(await text('docs/wires/chat-completions.md'), CHAT_PARAMETERS),
  'docs/wires/openai-chat.md': chatParameters(),
  'docs/wires/responses.md': withParameters(await text('docs/wires/responses.md'), RESPONSE_PARAMETERS),
  'docs/decisions/README.md': renderIndex(readDecisions(root)),
  ...Object.fromEntries(PACKAGES.map((name) => [`packages/${name}/api-report.md`, apiReport(name)])),
};
for (const [file, fresh] of Object.entries(files)) {
  if (!process.argv.includes('--check')) {
    await writeFile(join(root, file), fresh);
    console.log(`${file} is written`);
  } else if ((await text(file).catch(() => '')) !== fresh) {
    console.error(`${file} is stale: run npm run docs`);
    process.exitCode = 1;
  }
}
