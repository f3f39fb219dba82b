import { defineConfig } from 'vitest/config';

/** The tier `unit` of the packages that `npm run mutation` spoils, without the other projects: their stores would start for every mutant. */
export default defineConfig({
  test: {
    name: 'unit',
    // Not all that runs a line: a file of its own for each, without a database or sockets, so that a mutant takes seconds.
    include: [
      'packages/protocol/src/**/*.test.ts',
      'services/gateway/src/sockets/session*.test.ts',
      'services/gateway/src/follow/{follower,room-channel}*.test.ts',
      'services/audit/src/store/{fold,search-words}*.test.ts',
    ],
    testTimeout: 10_000,
  },
});
