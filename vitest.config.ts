import { defineConfig } from 'vitest/config';
import { ALONE } from './tests/alone.ts';

/**
 * Tests of whole commands, of devices and of what a process loads or is told by its environment: each file in a process of its own. All
 * others share the modules that they import, which took them more time than half of their tests.
 */
const alone = ALONE.map((folder) => `tests/${folder}/**/*.test.ts`);

export default defineConfig({
  test: {
    testTimeout: 60_000,
    hookTimeout: 120_000,
    maxWorkers: 2,
    setupFiles: ['tests/setup.ts'],
    projects: [
      { extends: true, test: { name: 'alone', include: alone } },
      { extends: true, test: { name: 'together', include: ['tests/**/*.test.ts'], exclude: alone, isolate: false } },
    ],
  },
});
