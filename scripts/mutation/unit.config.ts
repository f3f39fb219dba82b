import { defineConfig } from 'vitest/config';

/** The tier `unit` of the package that `npm run mutation` spoils, without the other projects: their stores would start for every mutant. */
export default defineConfig({
  test: {
    name: 'unit',
    include: ['packages/protocol/src/**/*.test.ts'],
    testTimeout: 10_000,
  },
});
