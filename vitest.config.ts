import vue from '@vitejs/plugin-vue';
import { defineConfig } from 'vitest/config';

const REDIS = '**/*.redis.test.ts';
const POSTGRES = '**/*.postgres.test.ts';
const KAFKA = '**/*.kafka.test.ts';
const BROWSER = '**/*.browser.test.ts';
/** What counts milliseconds of a page's thread, or how far things move while it is busy. */
const BROWSER_MEASURES = ['first-load', 'markdown', 'scale'].map((name) => `web/test/${name}.browser.test.ts`);
const PROMTOOL = '**/*.promtool.test.ts';
const CHART = '**/*.chart.test.ts';
const KUBE = '**/*.kube.test.ts';
const PROVIDER = '**/*.provider.test.ts';
/** How long `expect.poll` waits where a test does not say: a busy machine draws a page, starts a process or asks a server in more than Vitest's 1 s. */
const WAITS = { poll: { timeout: 15_000 } };
const NOT_OURS = ['**/node_modules/**', '**/dist/**'];

/**
 * One project for each tier of `npm test` that is made of test files. Each file runs in a process of its own, but the many small ones of `unit`;
 * two at a time for two cores, what measures a browser by itself. Projects with different limits must run one after the other (`groupOrder`).
 */
export default defineConfig({
  test: {
    passWithNoTests: false,
    projects: [
      {
        plugins: [vue()],
        test: {
          name: 'unit',
          include: ['**/*.test.ts'],
          exclude: [...NOT_OURS, REDIS, POSTGRES, KAFKA, BROWSER, PROMTOOL, CHART, KUBE, PROVIDER],
          expect: WAITS,
          pool: 'forks',
          maxWorkers: 2,
          // A worker loads a module once, and not once a file: a third of the tier's time. What a file changes for all it puts back.
          isolate: false,
          // A test that hangs, not one that a busy machine lets wait: 100 generated cases take a second here and ten there.
          testTimeout: 30_000,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          name: 'redis',
          include: [REDIS],
          exclude: NOT_OURS,
          expect: WAITS,
          pool: 'forks',
          maxWorkers: 2,
          testTimeout: 30_000,
          hookTimeout: 30_000,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          name: 'postgres',
          include: [POSTGRES],
          exclude: NOT_OURS,
          expect: WAITS,
          pool: 'forks',
          maxWorkers: 1,
          testTimeout: 60_000,
          hookTimeout: 120_000,
          sequence: { groupOrder: 2 },
        },
      },
      {
        test: {
          name: 'kafka',
          include: [KAFKA],
          exclude: NOT_OURS,
          expect: WAITS,
          pool: 'forks',
          maxWorkers: 1,
          testTimeout: 120_000,
          hookTimeout: 120_000,
          sequence: { groupOrder: 3 },
        },
      },
      {
        test: {
          name: 'browser',
          include: [BROWSER],
          exclude: [...NOT_OURS, ...BROWSER_MEASURES],
          expect: WAITS,
          globalSetup: ['scripts/build-web.mjs'],
          pool: 'forks',
          maxWorkers: 2,
          testTimeout: 60_000,
          hookTimeout: 60_000,
          sequence: { groupOrder: 4 },
        },
      },
      {
        test: {
          name: 'browser-measures',
          include: BROWSER_MEASURES,
          exclude: NOT_OURS,
          expect: WAITS,
          globalSetup: ['scripts/build-web.mjs'],
          pool: 'forks',
          maxWorkers: 1,
          testTimeout: 60_000,
          hookTimeout: 60_000,
          sequence: { groupOrder: 5 },
        },
      },
      {
        test: {
          name: 'chart',
          include: [CHART],
          exclude: NOT_OURS,
          expect: WAITS,
          globalSetup: ['helm/tests/tools.ts'],
          pool: 'forks',
          maxWorkers: 2,
          testTimeout: 60_000,
          hookTimeout: 600_000,
          // A bucket that does not answer is waited for, by a step of a file's life each.
          maxConcurrency: 15,
          sequence: { groupOrder: 6 },
        },
      },
      {
        test: {
          name: 'kube',
          include: [KUBE],
          exclude: NOT_OURS,
          expect: WAITS,
          pool: 'forks',
          maxWorkers: 1,
          testTimeout: 120_000,
          hookTimeout: 120_000,
          sequence: { groupOrder: 7 },
        },
      },
      {
        test: {
          name: 'provider',
          include: [PROVIDER],
          exclude: NOT_OURS,
          expect: WAITS,
          pool: 'forks',
          maxWorkers: 1,
          testTimeout: 120_000,
          // Each is fetched or built once, and started.
          hookTimeout: 2_400_000,
          sequence: { groupOrder: 8 },
        },
      },
      {
        test: {
          name: 'observability',
          include: [PROMTOOL],
          exclude: NOT_OURS,
          expect: WAITS,
          pool: 'forks',
          maxWorkers: 1,
          testTimeout: 480_000,
          sequence: { groupOrder: 9 },
        },
      },
    ],
  },
});
