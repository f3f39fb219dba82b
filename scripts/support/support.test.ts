import fc from 'fast-check';
import { expect, test } from 'vitest';
import { collect } from './collect.ts';
import { redact } from './redact.ts';

const PLANTED = 'planted-Zx81kQ0pLm';
/** Each way a secret may stand in what a cluster says. */
const SHAPES = [
  `rediss://user:${PLANTED}@redis.example.org:6380`,
  `rediss://user:${PLANTED}@more/${PLANTED}@redis.example.org`,
  `authorization: Bearer ${PLANTED}`,
  `{"password":"${PLANTED}"}`,
  `{"apiKey": "a\\"${PLANTED}"}`,
  `OTEL_EXPORTER_OTLP_HEADERS=api-key=${PLANTED}`,
  `JWT_SECRET=${PLANTED}`,
  `https://models.example.org/v1?api-version=1&api_key=${PLANTED}`,
  `eyJhbGciOiJIUzI1NiJ9.${PLANTED}.${PLANTED}`,
  `sk-proj-${PLANTED}`,
  `-----BEGIN PRIVATE KEY-----\n${PLANTED}\n-----END PRIVATE KEY-----`,
  `Set-Cookie: __Host-runnel_session=${PLANTED}; Path=/`,
];

test.each(SHAPES)('S-14 no secret is left of %j, wherever it stands', (shape) => {
  expect(redact(shape, 's')).not.toContain(PLANTED);
  fc.assert(
    fc.property(fc.string({ maxLength: 20 }), fc.string({ maxLength: 20 }), (before, after) => {
      expect(redact(`${before} ${shape} ${after}`, 's')).not.toContain(PLANTED);
    }),
    { numRuns: 50 },
  );
});

test('people have one made-up name in a bundle and another in the next; what helps is left', () => {
  const line = '{"event":"key.made","userId":"ann@example.org","ms":12,"code":"unavailable"}';
  const one = redact(`${line}\n${line}`, 'a').split('\n');
  expect(one[0]).toBe(one[1]);
  expect(one[0]).not.toContain('ann');
  expect(one[0]).toContain('"event":"key.made"');
  expect(one[0]).toContain('"ms":12,"code":"unavailable"');
  expect(redact(line, 'b')).not.toBe(one[0]);
});

test('a bundle has objects, logs, figures and readiness of each pod, and nothing that was planted; Secrets are never asked for', async () => {
  const asked: string[] = [];
  const env = [{ name: 'REDIS_URL', value: PLANTED }, { name: 'NODE_ID' }];
  const pod = {
    kind: 'Pod',
    metadata: { name: 'runnel-gateway-1', labels: { 'app.kubernetes.io/component': 'gateway' }, annotations: { last: PLANTED } },
    spec: { containers: [{ name: 'gateway', image: 'runnel/gateway:0.1.0', env, args: [`--key=${PLANTED}`] }] },
  };
  const files = await collect(
    async (args) => {
      const line = args.join(' ');
      asked.push(line);
      if (args.includes('json') && args[0] === 'get')
        return JSON.stringify({ items: [pod, { kind: 'ConfigMap', metadata: {}, data: { a: PLANTED } }] });
      if (args.includes('--previous')) throw new Error(`previous terminated container not found, token=${PLANTED}`);
      if (args[0] === 'logs') return SHAPES.join('\n');
      if (line.endsWith('/metrics')) return 'runnel_build_info{version="0.1.0"} 1\n';
      return '{}';
    },
    { namespace: 'chat', release: 'runnel' },
  );
  expect([...files.keys()].toSorted()).toEqual([
    'events.txt',
    'logs/runnel-gateway-1.jsonl',
    'logs/runnel-gateway-1.previous.jsonl',
    'objects.json',
    'pods/runnel-gateway-1.metrics.txt',
    'pods/runnel-gateway-1.ready.json',
    'versions.json',
  ]);
  expect([...files.values()].join('\n')).not.toContain(PLANTED);
  expect(files.get('objects.json')).toContain('REDIS_URL');
  expect(files.get('objects.json')).toContain('runnel/gateway:0.1.0');
  expect(files.get('logs/runnel-gateway-1.previous.jsonl')).toContain('not had');
  expect(files.get('pods/runnel-gateway-1.metrics.txt')).toContain('runnel_build_info');
  expect(asked.filter((line) => /secret|configmap/i.test(line))).toEqual([]);
});
