import { defineConfig } from 'vitest/config';

/** One process for a batch of mutants of the Lua scripts; see `lua-batch.ts`. */
export default defineConfig({
  test: {
    include: ['scripts/mutation/lua-batch.ts'],
    pool: 'forks',
    // Longer than any wait of the contract, and short enough for a mutant that leaves a test waiting.
    testTimeout: 30_000,
    hookTimeout: 30_000,
  },
});
