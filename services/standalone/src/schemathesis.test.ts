import { execFile, spawnSync } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { leftOut } from '../testing/outside-clients.ts';
import { newFolder, startAll } from '../testing/start-all.ts';

const schemathesis = process.env['RUNNEL_SCHEMATHESIS'] ?? 'schemathesis';
const isHere = spawnSync(schemathesis, ['--version']).status === 0;

/** What stays open until somebody leaves, or begins an answer that does. */
const OPEN = '(events|replay|/stream|/run$|connect$|chat/completions|/v1/responses|/api/ai-sdk$)';

test.skipIf(leftOut(isHere))(
  'requests made up from the OpenAPI document get no answer that it does not have (skipped without pip install schemathesis)',
  async () => {
    const dataDir = await newFolder();
    const url = await (await startAll(dataDir)).listen();
    const checks = 'not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance';
    const args = [
      'run',
      `${url}/api/docs/json`,
      '--url',
      url,
      '--phases',
      'fuzzing',
      '--checks',
      checks,
      '-n',
      '12',
      '--seed',
      '7',
      '--no-color',
    ];
    // Fails with its report, which has a curl line for each finding.
    const { stdout } = await promisify(execFile)(schemathesis, [...args, '--exclude-path-regex', OPEN], { cwd: dataDir, timeout: 280_000 });
    expect(stdout).not.toContain('FAILURES');
  },
  300_000,
);
