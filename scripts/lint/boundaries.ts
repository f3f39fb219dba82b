/**
 * Who may import whom. One-way: services → packages; `vue` → `client`; `client`, `coordination` `events` and `files` → `protocol`;
 * `kube` → `kit`; `kit` and `protocol` import no package of ours; a service never imports a service, except `standalone`, which composes them.
 */
const ALLOWED: Record<string, readonly string[]> = {
  'packages/protocol': [],
  'packages/kit': [],
  'packages/client': ['protocol'],
  'packages/coordination': ['protocol'],
  'packages/events': ['protocol'],
  'packages/files': ['protocol'],
  'packages/kube': ['kit'],
  'packages/vue': ['client', 'protocol'],
  web: ['client', 'protocol', 'vue'],
};
const FOR_SERVICES = ['protocol', 'coordination', 'events', 'files', 'kit', 'kube'];
const SERVICES = ['gateway', 'ai', 'audit', 'demo-tools', 'operator', 'standalone'];
/** Test helpers any test may use, whatever its folder depends on. */
const FOR_TESTS = ['@runnel/kit', '@runnel/kit/testing', '@runnel/protocol', '@runnel/protocol/testing', '@runnel/coordination/testing'];

/** Libraries that one folder alone knows, so that the store or the broker behind it can be changed there. */
const KEPT_IN: Record<string, readonly string[]> = {
  ioredis: ['packages/coordination', 'e2e', 'bench'],
  '@kubernetes/client-node': ['packages/kube'],
  kafkajs: ['packages/events', 'e2e'],
  typeorm: ['services/audit'],
  pg: ['services/audit', 'e2e'],
  vue: ['web', 'packages/vue'],
};

/** `packages/kit/src/log.ts` → `packages/kit`; null for files that belong to no part (scripts, configuration). */
export function partOf(file: string): string | null {
  return /^((?:packages|services)\/[^/]+|web|e2e|bench)\//.exec(file)?.[1] ?? null;
}

export const isTest = (file: string): boolean => /\.(test|contract)\.ts$/.test(file) || /\/(test|testing|contract)\//.test(file);

/**
 * Why `file` must not import `specifier`, or null when it may.
 * @param file path from the repository's root, with slashes
 */
export function boundaryProblem(file: string, specifier: string): string | null {
  const part = partOf(file);
  if (part === null) return null;
  if (specifier.startsWith('.')) return relativeProblem(file, part, specifier);
  if (specifier.startsWith('@runnel/')) return packageProblem(file, part, specifier);
  const library = specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');
  const homes = KEPT_IN[library];
  if (homes === undefined || homes.includes(part) || isTest(file)) return null;
  return `only ${homes.join(', ')} may know ${library}`;
}

function relativeProblem(file: string, part: string, specifier: string): string | null {
  const target = new URL(specifier, `file:///${file}`).pathname.slice(1);
  if (target.startsWith(`${part}/`)) return null;
  return partOf(target) === null ? null : `import ${partOf(target)} by its package name`;
}

function packageProblem(file: string, part: string, specifier: string): string | null {
  if (part === 'e2e' || part === 'bench') return null;
  if (isTest(file) && (part === 'web' || FOR_TESTS.includes(specifier))) return null;
  const name = specifier.split('/')[1] ?? '';
  if (part === `packages/${name}` || part === `services/${name}`) return null;
  const isService = part.startsWith('services/');
  const allowed = ALLOWED[part] ?? (isService ? FOR_SERVICES : []);
  if (allowed.includes(name)) return null;
  if (part === 'services/standalone' && SERVICES.includes(name)) return null;
  if (isService && SERVICES.includes(name)) return 'a service never imports a service; talk over HTTP or the log';
  return allowed.length === 0 ? `${part} imports no package of ours` : `${part} may import only ${allowed.join(', ')}`;
}
