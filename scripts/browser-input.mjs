/**
 * What the bundler is told of every bundle for browsers: modules that need Node have stand-ins, and whatever else would import
 * one of Node's is an error that names both.
 */
import { dirname, join, resolve } from 'node:path';

/** Options of rolldown; `root` is the repository's. */
export function browserInput(root) {
  const core = join(root, 'src', 'core');
  const standIns = {
    [join(core, 'native.ts')]: join(core, 'browser', 'native.ts'),
    [join(core, 'sha256.ts')]: join(core, 'browser', 'sha256.ts'),
    'node:fs/promises': join(root, 'src', 'tokenizer', 'browser', 'files.ts'),
  };
  return {
    cwd: root,
    platform: 'browser',
    logLevel: 'warn',
    plugins: [
      {
        name: 'browser',
        resolveId(source, importer) {
          const path = source.startsWith('.') ? resolve(dirname(importer), source) : source;
          if (Object.hasOwn(standIns, path)) return standIns[path];
          if (path.startsWith('node:')) throw new Error(`${importer} imports ${path}, which browsers do not have`);
          return null;
        },
      },
    ],
  };
}
