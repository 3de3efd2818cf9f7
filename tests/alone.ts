/** Folders whose test files have a process each; all others share the modules that they import (vitest.config.ts). */
export const ALONE = ['docs', 'e2e', 'native', 'repository', 'tensor', 'training'];
