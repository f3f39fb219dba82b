import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defineConfig, loadConfig, runService, setting } from '@runnel/kit';
import { serveDemoTools } from './serve.ts';

const configSpec = defineConfig({
  port: setting.integer('PORT', { default: 7301, minimum: 0, maximum: 65_535, description: 'Port on loopback' }),
  dir: setting.string('TOOLS_DIR', {
    default: join(tmpdir(), 'runnel-demo-tools'),
    description: 'Where the counter and the board are kept',
  }),
});

await runService({
  name: 'demo-tools',
  async start() {
    const served = await serveDemoTools(loadConfig(configSpec, process.env));
    process.stdout.write(`Demo tools are at ${served.url}\n`);
    return { closables: [{ name: 'http', close: () => served.close() }] };
  },
});
